/** Sessions that were observed, played back: each node of a world is up when its device was online. */
import type { WorldChurn } from './world-churn.ts'

export interface ObservedSession {
  node: number
  /** Since the start of the trace, ms; below 0 when it began before */
  fromMs: number
  /** The end; beyond the end of the run when it went on */
  untilMs: number
}

/**
 * Nodes that the trace does not name are down all the time. Sessions of one node must not overlap; where one ends as the next begins, the node
 * restarts. To draw sessions like those of a trace for other devices, take `traceLength` of its lengths.
 */
export function playSessions (sessions: readonly ObservedSession[]): WorldChurn {
  const up = new Set(sessions.filter(({ fromMs, untilMs }) => fromMs <= 0 && untilMs > 0).map(({ node }) => node))
  return {
    startsUp: node => up.has(node),
    begin: world => {
      const inOrder = sessions.filter(({ untilMs }) => untilMs > 0).sort((a, b) => a.node - b.node || a.fromMs - b.fromMs)
      for (const [i, { node, fromMs, untilMs }] of inOrder.entries()) {
        const before = inOrder[i - 1]
        if (!(fromMs < untilMs) || (before?.node === node && before.untilMs > fromMs)) {
          throw new RangeError(`A session of node ${node} from ${fromMs} to ${untilMs} ms is empty, or overlaps with the one before it`)
        }
        if (fromMs > 0) {
          world.at(fromMs, node, () => { world.start(node) })
        }
        if (untilMs < Infinity) {
          world.at(untilMs, node, () => { world.crash(node) })
        }
      }
    }
  }
}
