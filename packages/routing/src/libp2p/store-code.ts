/** What a holder says of an offer, as the number that goes over the wire. Numbers are never reused. */
import type { StoreResult } from '../offer-store.ts'
import type { RecordErrorReason } from '@skein/records'

export type StoreRefusal = Exclude<StoreResult, 'stored' | 'unchanged'> | RecordErrorReason | 'not_signer'

const CODES: ReadonlyArray<'stored' | 'unchanged' | StoreRefusal> = [
  'stored', 'unchanged', 'replayed', 'expired', 'wrong_key', 'crowded', 'too_many_keys', 'full',
  'oversize', 'malformed', 'signature', 'wrong_signer', 'wrong_type', 'future', 'life_too_long', 'not_signer'
]

export function storeCode (result: 'stored' | 'unchanged' | StoreRefusal): number {
  return CODES.indexOf(result)
}

/** `undefined` for a code of a later version: not stored, for a reason this version does not know. */
export function storeResult (code: number): 'stored' | 'unchanged' | StoreRefusal | undefined {
  return CODES[code]
}
