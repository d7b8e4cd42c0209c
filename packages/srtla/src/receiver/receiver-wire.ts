/** What a receiver gives to its driver: packets at once, all else as effects; and what it counts. */
import type { Origin, ReceiverGroup, ReceiverLink } from './group.ts'

/** Takes packets as the machine decides on them, at once; the bytes are reused after the call, but for those that came in with it. */
export interface ReceiverWire {
  /** To the sender, over one of its links */
  toLink: (link: ReceiverLink, bytes: Uint8Array) => void
  /** To one that is no link */
  toOrigin: (origin: Origin, bytes: Uint8Array) => void
  /** To whoever listens for SRT, from the group's own socket */
  toListener: (group: ReceiverGroup, bytes: Uint8Array) => void
}

export type RefusalReason = 'address-blocked' | 'table-full' | 'address-in-use' | 'group-full'

export type ReceiverEffect =
  | { type: 'group-opened', group: ReceiverGroup }
  | { type: 'group-closed', group: ReceiverGroup }
  | { type: 'link-added', link: ReceiverLink }
  | { type: 'link-lost', link: ReceiverLink }
  /** The caller has begun another connection: the listener has to see it come from another address, or what is left of the last one disturbs it */
  | { type: 'session-changed', group: ReceiverGroup }
  | { type: 'stream-named', group: ReceiverGroup }
  | { type: 'listener-absent', group: ReceiverGroup }
  | { type: 'listener-back', group: ReceiverGroup }
  | { type: 'refused', origin: Origin, reason: RefusalReason }

export interface ReceiverCounters {
  groups: number
  /** Groups that were asked for and never joined */
  ghosts: number
  acks: number
  naks: number
  nakCopies: number
  /** From addresses that are no link */
  strangers: number
  refused: Record<RefusalReason, number>
  droppedPackets: number
}

export function zeroCounters (): ReceiverCounters {
  return {
    groups: 0,
    ghosts: 0,
    acks: 0,
    naks: 0,
    nakCopies: 0,
    strangers: 0,
    refused: { 'address-blocked': 0, 'table-full': 0, 'address-in-use': 0, 'group-full': 0 },
    droppedPackets: 0
  }
}
