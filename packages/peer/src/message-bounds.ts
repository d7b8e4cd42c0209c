/**
 * Looks at length prefixes as bytes come in: those of multistream-select, and those of the protocols that it agrees on. `@libp2p/utils` 7.4 reads a
 * prefix byte by byte for as long as none of them ends it, keeps each byte and does not yield, so that a megabyte of 0xff, before a handshake, holds
 * the process up for a second and more.
 */
import { MAX_SEED_MESSAGE_BYTES, PROTOCOLS } from '@skein/records'
import { MAX_TOLD_BYTES } from '@skein/reputation'

/** What follows when a protocol is agreed on: messages with a length prefix, all or the first of them, or anything. */
export type MessageRule = { maxBytes: number, count?: number } | 'anything'

export type MessageFault = 'malformed' | 'oversize'

export interface MessageBoundsInit {
  /** What follows on a line of multistream-select; `undefined` while the two have not agreed */
  after: (line: string) => MessageRule | undefined
}

/** multistream-select's own bound of a line, bytes. */
const MAX_LINE_BYTES = 1_024
/** Lines of one negotiation: a header, and the protocols that a side tries. */
const MAX_LINES = 32
/** Four bytes of varint: up to 256 MiB. */
const MAX_PREFIX_BYTES = 4
const CONTROL = new Set(['/multistream/1.0.0', 'na', 'ls', ''])

const RULES: Record<string, MessageRule> = {
  '/ipfs/id/1.0.0': { maxBytes: 8_192 },
  '/ipfs/id/push/1.0.0': { maxBytes: 8_192 },
  // what follows the first message belongs to the relayed connection
  '/libp2p/circuit/relay/0.2.0/hop': { maxBytes: 65_536, count: 1 },
  '/libp2p/circuit/relay/0.2.0/stop': { maxBytes: 65_536, count: 1 },
  [PROTOCOLS.kad]: { maxBytes: 65_536 },
  [PROTOCOLS.seed]: { maxBytes: MAX_SEED_MESSAGE_BYTES },
  [PROTOCOLS.coordinates]: { maxBytes: 512 },
  [PROTOCOLS.receipt]: { maxBytes: MAX_TOLD_BYTES }
}

/** The rule of a protocol; those that read their prefixes themselves have none. */
export function messageRule (protocol: string): MessageRule {
  return RULES[protocol] ?? 'anything'
}

export class MessageBounds {
  private readonly after: MessageBoundsInit['after']
  /** `undefined` while the protocol is negotiated */
  private rule: MessageRule | undefined
  private messages = 0
  private prefix = 0
  private prefixBytes = 0
  /** Of the message that is under way */
  private left = 0
  private line: number[] = []

  constructor (init: MessageBoundsInit) {
    this.after = init.after
  }

  /** Nothing more is looked at. */
  get isOver (): boolean {
    return this.rule === 'anything'
  }

  /** What is wrong with the bytes that came next; `undefined` when nothing is. */
  onBytes (bytes: Uint8Array): MessageFault | undefined {
    for (let at = 0; at < bytes.length && this.rule !== 'anything';) {
      if (this.left === 0) {
        const fault = this.onPrefixByte(bytes[at++] as number)
        if (fault !== undefined) {
          return fault
        }
      } else {
        const end = Math.min(bytes.length, at + this.left)
        if (this.rule === undefined) {
          this.line.push(...bytes.subarray(at, end))
        }
        this.left -= end - at
        at = end
      }
      if (this.prefixBytes === 0 && this.left === 0 && !this.onMessage()) {
        return 'malformed'
      }
    }
    return undefined
  }

  private onPrefixByte (byte: number): MessageFault | undefined {
    this.prefix += (byte & 0x7f) * 2 ** (7 * this.prefixBytes++)
    if (byte >= 0x80) {
      return this.prefixBytes === (this.rule === undefined ? 2 : MAX_PREFIX_BYTES) ? 'malformed' : undefined
    }
    const maxBytes = this.rule === undefined ? MAX_LINE_BYTES : (this.rule as { maxBytes: number }).maxBytes
    if (this.prefix > maxBytes) {
      return 'oversize'
    }
    this.left = this.prefix
    this.prefix = this.prefixBytes = 0
    return undefined
  }

  /** A message is complete; `false` when there are too many lines. */
  private onMessage (): boolean {
    this.messages++
    if (this.rule === undefined) {
      const line = String.fromCharCode(...this.line).trimEnd()
      this.line = []
      this.rule = CONTROL.has(line) ? undefined : this.after(line)
      if (this.rule === undefined) {
        return this.messages <= MAX_LINES
      }
      this.messages = 0
    } else if (this.rule !== 'anything' && this.messages === this.rule.count) {
      this.rule = 'anything'
    }
    return true
  }
}
