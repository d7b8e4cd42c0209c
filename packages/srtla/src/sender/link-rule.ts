/** What decides over which link a packet goes, and is told what became of it. */
import type { SenderLink } from './link.ts'

export interface LinkRule {
  /** A link that is silent for longer is down, ms */
  readonly linkTimeoutMs: number
  /** @param isUrgent it is sent again, or no data: what others wait for */
  choose: (links: readonly SenderLink[], nowMs: number, isUrgent: boolean) => SenderLink | undefined
  onSent: (link: SenderLink, nowMs: number) => void
  /** An SRTLA ACK names a packet that this link carried */
  onDelivered: (owner: SenderLink, nowMs: number) => void
  /** An SRTLA ACK names a sequence number, whoever carried it */
  onSequenceAcked: (links: readonly SenderLink[], nowMs: number) => void
  /**
   * An SRTLA ACK came over a link.
   *
   * @param rttMs of the packet that caused it, where that is sure
   */
  onAcked: (link: SenderLink, delivered: number, rttMs: number | undefined, nowMs: number) => void
  /** What this link carried has to be sent again */
  onLost: (owner: SenderLink, nowMs: number) => void
  /** Its keepalive came back */
  onEcho: (link: SenderLink, rttMs: number | undefined, nowMs: number) => void
  /** It has stopped to deliver, but is not down yet */
  isStalled: (link: SenderLink, nowMs: number) => boolean
  /** Time has passed; called every tick for a link that is up */
  onTick: (link: SenderLink, nowMs: number) => void
  onDown: (link: SenderLink) => void
}
