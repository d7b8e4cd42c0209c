/** What the operator of a relay has set, as it is kept: stream ids and keys. */
import { PERMISSIONS } from './key-table.ts'
import { streamEntryProblem } from './stream-table.ts'
import type { AccessKey } from './key-table.ts'
import type { StreamEntry } from './stream-table.ts'

export interface RelayState {
  streams: StreamEntry[]
  keys: AccessKey[]
}

export const EMPTY_STATE: RelayState = { streams: [], keys: [] }

/** `undefined` when the value is not what a relay has written. */
export function readRelayState (value: unknown): RelayState | undefined {
  const { streams, keys } = (value ?? {}) as Record<string, unknown>
  return Array.isArray(streams) && Array.isArray(keys) && streams.every(isStream) && keys.every(isKey) ? { streams, keys } : undefined
}

function isStream (value: unknown): value is StreamEntry {
  return isObject(value) && typeof value.description === 'string' && streamEntryProblem(value) === undefined
}

function isKey (value: unknown): value is AccessKey {
  return isObject(value) && typeof value.id === 'string' && typeof value.name === 'string' && typeof value.createdAtMs === 'number' &&
    typeof value.digest === 'string' && /^[0-9a-f]{64}$/.test(value.digest) &&
    Array.isArray(value.permissions) && value.permissions.every(permission => (PERMISSIONS as readonly unknown[]).includes(permission))
}

function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
