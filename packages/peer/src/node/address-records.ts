/** The records of an address folder as JSON: read with a check of each field, of this version and of the one before it. */
import { fromHex } from '@skein/core'
import type { KnownAddress } from '@skein/pex'

const SECRET_BYTES = 16
const MAX_ANCHORS = 8

export function readKnown (value: unknown): KnownAddress | undefined {
  const { peer, addresses, source, sourceNetwork, tried, connectedMs, failures, dialledMs, seed } = fieldsOf(value)
  const isGood = typeof peer === 'string' && areTexts(addresses) && typeof source === 'string' && typeof sourceNetwork === 'string' &&
    typeof tried === 'boolean' && typeof failures === 'number' && isTime(connectedMs) && isTime(dialledMs) &&
    (seed === undefined || typeof seed === 'boolean')
  return isGood ? { peer, addresses, source, sourceNetwork, tried, connectedMs, failures, dialledMs, seed } : undefined
}

/** The first version: a flat list, in which a peer that was never connected to has the time 0. Who told of it was not kept. */
export function readEarlier (value: unknown): KnownAddress | undefined {
  const { peer, addresses, seed, lastConnectedMs, failures } = fieldsOf(value)
  if (typeof peer !== 'string' || !areTexts(addresses) || typeof lastConnectedMs !== 'number' || typeof failures !== 'number') {
    return undefined
  }
  const tried = lastConnectedMs > 0 && addresses.length > 0
  return {
    peer, addresses, source: peer, sourceNetwork: '', tried, failures,
    ...tried ? { connectedMs: lastConnectedMs } : {},
    ...seed === true ? { seed } : {}
  }
}

export function readCount (value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

export function readSecret (value: unknown): Uint8Array | undefined {
  const bytes = typeof value === 'string' ? fromHex(value) : undefined
  return bytes?.length === SECRET_BYTES ? bytes : undefined
}

export function readAnchors (value: unknown): string[] | undefined {
  return areTexts(value) && value.length <= MAX_ANCHORS ? value : undefined
}

function fieldsOf (value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? value as Record<string, unknown> : {}
}

function areTexts (value: unknown): value is string[] {
  return Array.isArray(value) && value.every(item => typeof item === 'string')
}

function isTime (value: unknown): value is number | undefined {
  return value === undefined || typeof value === 'number'
}
