/** Keys of the API: `skf_ID_SECRET`, of which the id and the hash of the secret are kept. */
import { base36, uniqueId } from '../../session/random-name.ts'
import { bearerKey, hashOf, isSameHash } from '../http/bearer-key.ts'
import type { Random } from '@skein/core'
import type { FleetStore, KeyRecord } from '../../store/fleet-store.ts'

/** What a key allows: a user's sessions, slots and relays; the nodes of the pool; keys; figures for a monitoring system. */
export const SCOPES = ['sessions', 'nodes', 'keys', 'metrics'] as const
export type Scope = typeof SCOPES[number]

/** 206 bits. */
const SECRET_LENGTH = 40

export interface IssuedKey {
  /** To be told once; it is not kept */
  key: string
  record: KeyRecord
}

export async function issueKey (
  store: FleetStore, random: Random, { scopes, userId }: { scopes: Scope[], userId?: string }, nowMs: number
): Promise<IssuedKey> {
  const [id, secret] = [uniqueId(random), base36(random, SECRET_LENGTH)]
  const record: KeyRecord = { id, secretHash: hashOf(secret), scopes, userId, createdMs: Math.floor(nowMs) }
  await store.putKey(record)
  return { key: `skf_${id}_${secret}`, record }
}

/** Whose key it is; `undefined` when it is none. */
export async function keyOf (store: FleetStore, authorization: string | undefined): Promise<KeyRecord | undefined> {
  const [, id, secret] = /^skf_([a-z0-9]{16})_([a-z0-9]{40})$/.exec(bearerKey(authorization) ?? '') ?? []
  if (id === undefined || secret === undefined) {
    return undefined
  }
  const record = await store.key(id)
  return record !== undefined && isSameHash(hashOf(secret), record.secretHash) ? record : undefined
}
