/**
 * The adaptive rule: each link is filled up to where packets begin to queue, those first over which a packet arrives soonest; losses that are the
 * link's nature do not make it smaller, and a link that has stopped to deliver is left before it times out.
 */
import type { SenderLink } from './link.ts'
import type { LinkRule } from './link-rule.ts'
import type { SentLog } from './sent-log.ts'

/** Queueing that is aimed at on each link, ms. */
const TARGET_QUEUE_MS = 30
/** What a loss costs: how much later a packet arrives that has to be sent again, ms. */
const LOSS_COST_MS = 400
/** What was sent again may be a little more than fits. */
const URGENT_ROOM = 1.25
const UNKNOWN_RTT_MS = 300
const MIN_STALL_MS = 150
const MAX_STALL_MS = 1_000

export class AdaptiveRule implements LinkRule {
  readonly linkTimeoutMs = 5_000
  private readonly log: SentLog

  constructor (log: SentLog) {
    this.log = log
  }

  choose (links: readonly SenderLink[], nowMs: number, isUrgent: boolean): SenderLink | undefined {
    let best: SenderLink | undefined
    let bestCost = Infinity
    for (let i = 0; i < links.length; i++) {
      const link = links[i] as SenderLink
      if (link.state === 'up') {
        const cost = this.isStalled(link, nowMs) ? 1e6 + nowMs - link.path.lastProofMs : this.cost(link, nowMs, isUrgent)
        if (cost < bestCost) {
          best = link
          bestCost = cost
        }
      }
    }
    return best
  }

  /** Enough was sent for an ACK, and none came for longer than it could take. */
  isStalled ({ path }: SenderLink, nowMs: number): boolean {
    const { proofDueSinceMs, srttMs } = path
    return proofDueSinceMs !== undefined &&
      nowMs - proofDueSinceMs > Math.max(MIN_STALL_MS, Math.min(MAX_STALL_MS, 2 * (srttMs ?? UNKNOWN_RTT_MS) + 4 * path.rttVarMs))
  }

  onSent (link: SenderLink, nowMs: number): void {
    link.path.onSent(nowMs, this.log.inFlight[link.slot] as number)
  }

  onDelivered (): void {}

  onSequenceAcked (): void {}

  onAcked (link: SenderLink, delivered: number, rttMs: number | undefined, nowMs: number): void {
    this.onEcho(link, rttMs, nowMs)
    link.path.onDelivered(delivered, rttMs, nowMs, { targetQueueMs: TARGET_QUEUE_MS })
  }

  /** What is lost because a link has stopped to deliver says nothing about what it loses when it delivers. */
  onLost (owner: SenderLink, nowMs: number): void {
    if (owner.state === 'up' && !this.isStalled(owner, nowMs)) {
      owner.path.onLost(nowMs)
    }
  }

  onTick (link: SenderLink, nowMs: number): void {
    link.path.onTick(nowMs)
  }

  onEcho (link: SenderLink, rttMs: number | undefined, nowMs: number): void {
    if (this.isStalled(link, nowMs)) {
      link.path.onStall()
    }
    link.path.onProof(nowMs)
    if (rttMs !== undefined) {
      link.path.onRtt(rttMs, nowMs)
    }
  }

  onDown (link: SenderLink): void {
    link.path.onStall()
  }

  /** When a packet would arrive over it, ms from now; beyond its window with what it would have to wait. */
  private cost ({ path, slot }: SenderLink, nowMs: number, isUrgent: boolean): number {
    const inFlight = this.log.inFlight[slot] as number
    const window = path.windowAt(nowMs) * (isUrgent ? URGENT_ROOM : 1)
    const rttMs = path.baseRttMs ?? UNKNOWN_RTT_MS
    const arrivalMs = rttMs / 2 + path.loss * LOSS_COST_MS
    if (inFlight < window) {
      return arrivalMs
    }
    return 10_000 + arrivalMs + Math.max(0, inFlight * path.ackGapMs / 10 - rttMs)
  }
}
