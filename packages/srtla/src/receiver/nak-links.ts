/** Over which links a receiver sends a NAK back: the best one, and a second where the first may have died. */
import type { ReceiverGroup, ReceiverLink } from './group.ts'

/** Heard within this time, a link is taken for alive. Streams send a packet every few milliseconds over each link that is in use. */
const FRESH_MS = 1_000
/** Heard within this time, a link needs no second one beside it: a NAK that is lost is repeated by SRT within a round trip. */
const SURE_MS = 100
/** For a link whose sender does not tell round trips. */
const UNKNOWN_RTT_MS = 200

/** In what time an answer may be expected over it, ms; very long when it was not heard for long. */
export function linkCost (link: ReceiverLink, nowMs: number): number {
  const silentMs = nowMs - link.lastHeardMs
  return silentMs > FRESH_MS ? 1e6 + silentMs : (link.report?.rttMs || UNKNOWN_RTT_MS) + nowMs - Math.max(link.lastSrtMs, nowMs - FRESH_MS)
}

/**
 * Which links, into `chosen`; how many of them, 0 when there is no link at all.
 *
 * A NAK on the last active link alone is lost when that link has just died; one on all links has each lost packet sent again as often as there are
 * links, for senders that do not drop copies. The best link is the one with the shortest round trip that was heard just now.
 */
export function nakLinks (group: ReceiverGroup, nowMs: number, chosen: ReceiverLink[]): number {
  let best: ReceiverLink | undefined
  let second: ReceiverLink | undefined
  let bestCost = Infinity
  let secondCost = Infinity
  for (const link of group.links) {
    const cost = linkCost(link, nowMs)
    if (cost < bestCost) {
      second = best
      secondCost = bestCost
      best = link
      bestCost = cost
    } else if (cost < secondCost) {
      second = link
      secondCost = cost
    }
  }
  if (best === undefined) {
    return 0
  }
  chosen[0] = best
  if (second === undefined || nowMs - best.lastSrtMs <= SURE_MS) {
    return 1
  }
  chosen[1] = second
  return 2
}
