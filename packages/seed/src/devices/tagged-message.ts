/** The form of every message of the device relay protocol 1.0: an object with one key, the kind, and its payload, plain or wrapped once more. */
import { isObject, parseJson } from './device-json.ts'
import { FieldError } from './field-check.ts'
import { RelayRefusal } from './relay-refusal.ts'
import type { Json } from './device-json.ts'
import type { Check } from './field-check.ts'

/** Checks by kind. */
export type Kinds = Record<string, Check<object>>

export type Tagged<K extends Kinds> = { [N in keyof K & string]: { kind: N, payload: ReturnType<K[N]>, wrapped: boolean } }[keyof K & string]

/** How Swift names the one unnamed value of a message. */
const WRAPPER = '_0'

/** Unix time of 2001-01-01T00:00:00Z, from which dates are counted, seconds. */
const REFERENCE_DATE_SECONDS = 978_307_200

/**
 * `{"register": {…}}` and `{"register": {"_0": {…}}}` alike; `wrapped` tells which it was, so that the answer comes in the same form.
 *
 * @throws {RelayRefusal}
 */
export function decodeTagged<K extends Kinds> (bytes: Uint8Array, kinds: K, maxDepth: number): Tagged<K> {
  const value = parse(bytes, maxDepth)
  const keys = isObject(value) ? Object.keys(value) : []
  if (!isObject(value) || keys.length !== 1) {
    throw new RelayRefusal('invalid_message', 'A message is an object with exactly one key, its kind')
  }
  const kind = keys[0] as string
  const check = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
  const outer = value[kind]
  const wrapped = isObject(outer) && Object.hasOwn(outer, WRAPPER) && Object.keys(outer).length === 1
  if (check == null) {
    throw new RelayRefusal('unsupported_message', `There is no message ${JSON.stringify(kind.slice(0, 32))}`, { wrapped })
  }
  try {
    return { kind, payload: check(wrapped ? outer[WRAPPER] : outer, ''), wrapped } as Tagged<K>
  } catch (error) {
    if (error instanceof FieldError) {
      const code = kind === 'register' ? 'invalid_register' : 'invalid_message'
      throw new RelayRefusal(code, `${kind}: ${error.message}`, { about: kind, wrapped, cause: error })
    }
    throw error
  }
}

export function encodeTagged (kind: string, payload: object, wrapped: boolean): string {
  return JSON.stringify({ [kind]: wrapped ? { [WRAPPER]: payload } : payload })
}

/** A time as messages carry it: seconds since 2001, with their fraction. */
export function dateOf (unixMs: number): number {
  return unixMs / 1000 - REFERENCE_DATE_SECONDS
}

export function unixMsOf (date: number): number {
  return (date + REFERENCE_DATE_SECONDS) * 1000
}

function parse (bytes: Uint8Array, maxDepth: number): Json {
  try {
    return parseJson(bytes, maxDepth)
  } catch (error) {
    const reason = error instanceof RangeError || (error as Error).message.includes('twice') ? `: ${(error as Error).message}` : ''
    throw new RelayRefusal('invalid_json', `The message is not JSON${reason}`, { cause: error })
  }
}
