/** The classic rule of SRTLA: a window for each link, in thousandths of packets, and the link with the most room. */
import type { SenderLink } from './link.ts'
import type { LinkRule } from './link-rule.ts'
import type { SentLog } from './sent-log.ts'

export const MIN_WINDOW = 1_000
export const START_WINDOW = 20_000
export const MAX_WINDOW = 60_000
const NAK_DECREASE = 100
const ACK_INCREASE = 29
/** A link that is silent for longer is passed over. */
const SILENT_MS = 4_000

export class ClassicRule implements LinkRule {
  readonly linkTimeoutMs = 4_000
  private readonly log: SentLog

  constructor (log: SentLog) {
    this.log = log
  }

  choose (links: readonly SenderLink[], nowMs: number): SenderLink | undefined {
    let best: SenderLink | undefined
    let bestScore = -1
    for (let i = 0; i < links.length; i++) {
      const link = links[i] as SenderLink
      if (link.state !== 'up' || nowMs - link.lastHeardMs > SILENT_MS) {
        continue
      }
      const score = Math.floor(link.window / ((this.log.inFlight[link.slot] as number) + 1))
      if (score > bestScore) {
        best = link
        bestScore = score
      }
    }
    return best
  }

  onSent (): void {}

  onDelivered (owner: SenderLink): void {
    if ((this.log.inFlight[owner.slot] as number) * 1_000 > owner.window) {
      owner.window += ACK_INCREASE
    }
  }

  /** Each sequence number that is acknowledged over any link is good for all that are alive. */
  onSequenceAcked (links: readonly SenderLink[], nowMs: number): void {
    for (let i = 0; i < links.length; i++) {
      const link = links[i] as SenderLink
      if (link.state === 'up' && nowMs - link.lastHeardMs <= SILENT_MS) {
        link.window = Math.min(MAX_WINDOW, link.window + 1)
      }
    }
  }

  onAcked (): void {}

  onLost (owner: SenderLink): void {
    owner.window = Math.max(MIN_WINDOW, owner.window - NAK_DECREASE)
  }

  onEcho (): void {}

  isStalled (): boolean {
    return false
  }

  onTick (): void {}

  onDown (link: SenderLink): void {
    link.window = START_WINDOW
  }
}
