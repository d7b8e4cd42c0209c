/** Messages over a stream of `/skein/punch/1.0.0` (docs/specs/punching.md): each after its length as an unsigned varint, at most 1 KiB. */
import { lpStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { PunchMessage } from '../pb/punch.ts'
import type { AbortOptions, Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { PunchReach } from '../pb/punch.ts'
import type { NatFiltering, NatMapping } from '../nat-verdict.ts'
import type { Reach } from '../pair-ways.ts'

const MAX_MESSAGE_BYTES = 1024
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
}

/** The other side sent what no implementation of the protocol sends, or refused. */
export class PunchProtocolError extends Error {
  static override name = 'PunchProtocolError'
  override readonly name = 'PunchProtocolError'
}

export class PunchStream {
  private readonly messages: ReturnType<typeof lpStream>

  constructor (stream: Stream) {
    this.messages = lpStream(stream, { maxDataLength: MAX_MESSAGE_BYTES })
  }

  async write ({ kind, reach, addresses = [], reason = '' }: Punch, options: AbortOptions): Promise<void> {
    await this.messages.write(PunchMessage.encode({
      kind,
      ...reach === undefined ? {} : { reach: encodeReach(reach) },
      addresses: addresses.slice(0, MAX_PUNCH_ADDRESSES).map(address => Uint8Array.from(address.bytes)),
      reason: reason.slice(0, MAX_REASON_CHARS)
    }), options)
  }

  /** @throws {PunchProtocolError} when it is none of `kinds` */
  async read<K extends PunchKind> (kinds: readonly K[], options: AbortOptions): Promise<Punch & { kind: K }> {
    const punch = decode((await this.messages.read(options)).subarray())
    if (!(kinds as readonly string[]).includes(punch.kind)) {
      throw new PunchProtocolError(punch.kind === 'refuse'
        ? `The other side refused: ${punch.reason ?? ''}`
        : `${punch.kind} came where ${kinds.join(' or ')} was due`)
    }
    return punch as Punch & { kind: K }
  }
}

function encodeReach ({ nat, ...reach }: Reach): PunchReach {
  return nat === undefined ? reach : { ...reach, nat: { mapping: nat.mapping, filtering: nat.filtering ?? '' } }
}

function decode (bytes: Uint8Array): Punch {
  try {
    const { kind, reach, addresses, reason } = PunchMessage.decode(bytes, { limits: { addresses: MAX_PUNCH_ADDRESSES } })
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
              ...mapping === undefined ? {} : { nat: { mapping, ...filtering === undefined ? {} : { filtering } } }
            }
          },
      addresses: addresses.map(address => multiaddr(address)),
      reason: reason.slice(0, MAX_REASON_CHARS)
    }
  } catch (cause) {
    throw cause instanceof PunchProtocolError ? cause : new PunchProtocolError('Not a message', { cause })
  }
}
