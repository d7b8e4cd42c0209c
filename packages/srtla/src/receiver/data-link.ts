/**
 * Over which link a receiver sends data that the listener sends: streams of bytes go both ways. The last active one is another with each packet, and
 * data would arrive in disorder; so it stays with one link while that is not much worse than the best.
 */
import { linkCost } from './nak-links.ts'
import type { ReceiverGroup, ReceiverLink } from './group.ts'

/** A link is left for one whose answers take so much less, ms and as a share of its own. */
const BETTER_MS = 60
const BETTER_SHARE = 0.5

/** `undefined` when there is no link at all. */
export function dataLink (group: ReceiverGroup, nowMs: number): ReceiverLink | undefined {
  let best: ReceiverLink | undefined
  let bestCost = Infinity
  let currentCost = Infinity
  for (const link of group.links) {
    const cost = linkCost(link, nowMs)
    if (link === group.dataLink) {
      currentCost = cost
    }
    if (cost < bestCost) {
      best = link
      bestCost = cost
    }
  }
  if (currentCost === Infinity || currentCost > bestCost + Math.max(BETTER_MS, bestCost * BETTER_SHARE)) {
    group.dataLink = best
  }
  return group.dataLink
}
