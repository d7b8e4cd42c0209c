/** What is published in the topics of clusters and of their coordinators, and how it is read and written. */
import { peerIdBytesOf, peerNameOf } from '@skein/records'
import { isCoordinate } from './network-coordinate.ts'
import { ClusterNotice } from './pb/cluster.ts'
import { isScope, MAX_PREFIX_BITS } from './scope.ts'
import type { ZoneAnchor } from './zone.ts'

/** How many peers there are in a part of a zone. */
export interface PartCount {
  prefix: number
  depth: number
  peers: number
}

/** Said by who has the seat: for how long yet, and what its cluster should know. */
export interface LeaseNotice {
  term: number
  /** `undefined` when it gives the seat back */
  expiresAtMs?: number
  addresses: string[]
  checksum: number
  parts: PartCount[]
  anchors: ZoneAnchor[]
}

export type Notice =
  | { type: 'presence', seq: number, weight: number, scope?: string }
  | { type: 'leave', seq: number, movedTo?: number }
  | { type: 'gone', peers: Array<{ peer: string, seq: number }> }
  | { type: 'lease', notice: LeaseNotice }

export const MAX_NOTICE_BYTES = 4096
export const MAX_GONE = 16
export const MAX_TOLD_ADDRESSES = 4
export const MAX_ADDRESS_LENGTH = 256
export const MAX_TOLD_PARTS = 32
export const MAX_ANCHORS = 8
/** No seq is so high: the year 36812, in seconds. */
const MAX_SEQ = 2 ** 40
const MAX_WEIGHT = 1e6
const MAX_PEERS = 2 ** 31

/** Not a message of clusters, or one beyond its bounds: who wrote it does not keep the protocol. */
export class ClusterMessageError extends Error {
  static override readonly name = 'ClusterMessageError'
  override readonly name = 'ClusterMessageError'
}

/** Addresses beyond the fourth, and those that are too long, are left out. */
export function encodeNotice (notice: Notice): Uint8Array<ArrayBuffer> {
  switch (notice.type) {
    case 'presence':
      return ClusterNotice.encode({ presence: { seq: notice.seq, weight: notice.weight, scope: notice.scope ?? '' } })
    case 'leave':
      return ClusterNotice.encode({ leave: { seq: notice.seq, movedTo: notice.movedTo === undefined ? 0 : notice.movedTo + 1 } })
    case 'gone':
      return ClusterNotice.encode({ gone: { peers: notice.peers.slice(0, MAX_GONE).map(({ peer, seq }) => ({ peer: peerIdBytesOf(peer), seq })) } })
    case 'lease': {
      const { term, expiresAtMs = 0, addresses, checksum, parts, anchors } = notice.notice
      return ClusterNotice.encode({
        lease: {
          term,
          expiresAtMs,
          addresses: tellableAddresses(addresses),
          checksum,
          parts: parts.slice(0, MAX_TOLD_PARTS),
          anchors: anchors.slice(0, MAX_ANCHORS).map(({ name, coordinate }) => ({ name, ...coordinate, position: [...coordinate.position] }))
        }
      })
    }
  }
}

/** @throws {ClusterMessageError} */
export function decodeNotice (bytes: Uint8Array): Notice {
  const { presence, leave, gone, lease } = readNotice(bytes)
  if ([presence, leave, gone, lease].filter(one => one !== undefined).length !== 1) {
    throw new ClusterMessageError('A notice says one thing')
  }
  if (presence !== undefined) {
    const { seq, weight, scope } = presence
    return { type: 'presence', seq: checkSeq(seq), weight: checkWeight(weight), scope: checkScope(scope) }
  }
  if (leave !== undefined) {
    const { seq, movedTo } = leave
    return { type: 'leave', seq: checkSeq(seq), movedTo: movedTo === 0 ? undefined : checkRange(movedTo - 1, MAX_PREFIX_BITS, 'depth') }
  }
  if (gone !== undefined) {
    return { type: 'gone', peers: gone.peers.map(({ peer, seq }) => ({ peer: peerOf(peer), seq: checkSeq(seq) })) }
  }
  const { term, expiresAtMs, addresses, checksum, parts, anchors } = lease as NonNullable<typeof lease>
  return {
    type: 'lease',
    notice: {
      term: checkSeq(term),
      expiresAtMs: expiresAtMs === 0 ? undefined : checkTime(expiresAtMs),
      addresses: checkAddresses(addresses),
      checksum,
      parts: parts.map(checkPart),
      anchors: anchors.map(({ name, ...coordinate }) => {
        if (!/^[a-zA-Z0-9]{1,64}$/.test(name) || !isCoordinate(coordinate)) {
          throw new ClusterMessageError('An anchor without a name or a coordinate')
        }
        return { name, coordinate }
      })
    }
  }
}

function readNotice (bytes: Uint8Array): ClusterNotice {
  if (bytes.length > MAX_NOTICE_BYTES) {
    throw new ClusterMessageError(`A notice of ${bytes.length} bytes; at most ${MAX_NOTICE_BYTES} are allowed`)
  }
  try {
    return ClusterNotice.decode(bytes, {
      limits: { gone: { peers: MAX_GONE }, lease: { addresses: MAX_TOLD_ADDRESSES, parts: MAX_TOLD_PARTS, anchors: MAX_ANCHORS } }
    })
  } catch (cause) {
    throw new ClusterMessageError('Not a notice', { cause })
  }
}

export function tellableAddresses (addresses: readonly string[]): string[] {
  return addresses.filter(address => address.length <= MAX_ADDRESS_LENGTH).slice(0, MAX_TOLD_ADDRESSES)
}

export function checkAddresses (addresses: string[]): string[] {
  if (addresses.length > MAX_TOLD_ADDRESSES || addresses.some(address => address.length > MAX_ADDRESS_LENGTH)) {
    throw new ClusterMessageError('Addresses that are too many or too long')
  }
  return addresses
}

export function checkSeq (seq: number): number {
  return checkRange(seq, MAX_SEQ, 'number')
}

export function checkTime (ms: number): number {
  return checkRange(ms, Number.MAX_SAFE_INTEGER, 'time')
}

export function checkWeight (weight: number): number {
  if (!(weight >= 0 && weight <= MAX_WEIGHT)) {
    throw new ClusterMessageError('A weight that is none')
  }
  return weight
}

/** `undefined` for an empty one. */
export function checkScope (scope: string): string | undefined {
  if (scope !== '' && !isScope(scope)) {
    throw new ClusterMessageError('Not a part of the network')
  }
  return scope === '' ? undefined : scope
}

export function checkPart ({ prefix, depth, peers }: PartCount): PartCount {
  checkRange(depth, MAX_PREFIX_BITS, 'depth')
  checkRange(prefix, 2 ** depth - 1, 'prefix')
  return { prefix, depth, peers: checkRange(peers, MAX_PEERS, 'number of peers') }
}

export function peerOf (bytes: Uint8Array): string {
  try {
    return peerNameOf(bytes)
  } catch (cause) {
    throw new ClusterMessageError('Not a peer', { cause })
  }
}

function checkRange (value: number, max: number, name: string): number {
  if (!Number.isSafeInteger(value) || value < 0 || value > max) {
    throw new ClusterMessageError(`A ${name} out of range: ${value}`)
  }
  return value
}
