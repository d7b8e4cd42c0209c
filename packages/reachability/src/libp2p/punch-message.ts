/** Messages of `/skein/punch/1.0.0` as bytes (docs/specs/punching.md), and what is wrong with those that nobody sends. */
import { multiaddr } from '@multiformats/multiaddr'
import { PunchMessage } from '../pb/punch.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { NatFiltering, NatMapping } from '../nat-verdict.ts'
import type { Reach } from '../pair-ways.ts'
import type { PunchReach } from '../pb/punch.ts'

export const MAX_PUNCH_MESSAGE_BYTES = 1024
export const MAX_PUNCH_ADDRESSES = 8
const MAX_REASON_CHARS = 200

const KINDS = ['reach', 'reverse', 'dialled', 'offer', 'answer', 'ping', 'pong', 'sync', 'refuse'] as const
export type PunchKind = typeof KINDS[number]
const MAPPINGS: readonly NatMapping[] = ['none', 'endpoint-independent', 'sequential', 'random', 'blocked']
const FILTERINGS: readonly NatFiltering[] = ['open', 'address', 'port']

export interface Punch {
  kind: PunchKind
  reach?: Reach
  addresses?: Multiaddr[]
  reason?: string
  /** Of an answer: connections are taken on the port, not made from it @default false */
  listens?: boolean
}

/** The other side sent what no implementation of the protocol sends, or refused. */
export class PunchProtocolError extends Error {
  static override name = 'PunchProtocolError'
  override readonly name = 'PunchProtocolError'
}

/** Beyond 8 addresses and 200 characters of a reason nothing is sent. */
export function encodePunch ({ kind, reach, addresses = [], reason = '', listens = false }: Punch): Uint8Array {
  return PunchMessage.encode({
    kind,
    ...reach === undefined ? {} : { reach: encodeReach(reach) },
    addresses: addresses.slice(0, MAX_PUNCH_ADDRESSES).map(address => Uint8Array.from(address.bytes)),
    reason: reason.slice(0, MAX_REASON_CHARS),
    listens
  })
}

/** @throws {PunchProtocolError} when it is none */
export function decodePunch (bytes: Uint8Array): Punch {
  try {
    const { kind, reach, addresses, reason, listens } = PunchMessage.decode(bytes, { limits: { addresses: MAX_PUNCH_ADDRESSES } })
    const known = KINDS.find(name => name === kind)
    if (known === undefined) {
      throw new PunchProtocolError(`An unknown kind of message: ${kind.slice(0, 32)}`)
    }
    const mapping = MAPPINGS.find(name => name === reach?.nat?.mapping)
    const filtering = FILTERINGS.find(name => name === reach?.nat?.filtering)
    return {
      kind: known,
      ...reach === undefined
        ? {}
        : {
            reach: {
              dialable: reach.dialable,
              tcp: reach.tcp,
              webrtc: reach.webrtc,
              ...reach.turn ? { turn: true } : {},
              ...mapping === undefined ? {} : { nat: { mapping, ...filtering === undefined ? {} : { filtering } } }
            }
          },
      addresses: addresses.map(address => multiaddr(address)),
      reason: reason.slice(0, MAX_REASON_CHARS),
      ...listens ? { listens } : {}
    }
  } catch (cause) {
    throw cause instanceof PunchProtocolError ? cause : new PunchProtocolError('Not a message', { cause })
  }
}

function encodeReach ({ nat, turn = false, ...reach }: Reach): PunchReach {
  return nat === undefined ? { ...reach, turn } : { ...reach, turn, nat: { mapping: nat.mapping, filtering: nat.filtering ?? '' } }
}
