/** What a sender gives to its driver: packets at once, all else as effects; and what it counts. */
import type { SenderLink } from './link.ts'

/** Takes packets as the machine decides on them, at once; the bytes are reused after the call, but for those that came in with it. */
export interface SenderWire {
  toLink: (link: SenderLink, bytes: Uint8Array) => void
  /** To the encoder, or whatever speaks SRT here */
  toLocal: (bytes: Uint8Array) => void
}

export type SenderEffect =
  | { type: 'link-up', link: SenderLink }
  | { type: 'link-down', link: SenderLink }
  | { type: 'registered' }
  /** The receiver refused the group, or a link of it */
  | { type: 'refused', link: SenderLink, what: 'group' | 'link' }

export interface SenderCounters {
  /** Packets of SRT for which there was no link */
  unsent: number
  /** ACKs and NAKs that had come before */
  copies: number
  naks: number
  /** Reported losses that were kept from the local end, as the packets had arrived */
  falseAlarms: number
  /** Packets that the local end sent again */
  retransmissions: number
  /** Of packets of SRT, over links that are gone too */
  packets: number
  bytes: number
}
