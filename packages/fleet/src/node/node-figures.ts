/** The last figures of each node, for those who ask for them: from the watch, or from the node where another control plane watches. */
import { BoundedMap } from '@skein/core'
import type { Clock } from '@skein/core'
import type { NodeAgent, NodeStatistics } from '../agent/node-agent.ts'
import type { PoolNode } from '../store/pool-node.ts'

const FRESH_MS = 2_000
/** Older ones are not those of now: this control plane does not watch, or the node is silent. */
const STALE_MS = 10_000
const MAX_NODES = 4_096

export class NodeFigures {
  private readonly agentOf: (node: PoolNode) => NodeAgent
  private readonly clock: Clock
  private readonly figures = new BoundedMap<string, { atMs: number, answer: Promise<NodeStatistics> }>({ maxSize: MAX_NODES })
  /** What the watch was told last */
  private readonly watched = new BoundedMap<string, { atMs: number, statistics: NodeStatistics }>({ maxSize: MAX_NODES })

  constructor (agentOf: (node: PoolNode) => NodeAgent, clock: Clock) {
    this.agentOf = agentOf
    this.clock = clock
  }

  put (nodeId: string, statistics: NodeStatistics): void {
    const atMs = this.clock.nowMs()
    this.figures.set(nodeId, { atMs, answer: Promise.resolve(statistics) })
    this.watched.set(nodeId, { atMs, statistics })
  }

  /** Without asking: what the watch of this process was told a few seconds ago at most. */
  last ({ id }: PoolNode): NodeStatistics | undefined {
    const last = this.watched.get(id)
    return last !== undefined && this.clock.nowMs() - last.atMs < STALE_MS ? last.statistics : undefined
  }

  /** However many ask, the node is asked once in two seconds. */
  async of (node: PoolNode): Promise<NodeStatistics> {
    const last = this.figures.get(node.id)
    if (last !== undefined && this.clock.nowMs() - last.atMs < FRESH_MS) {
      return await last.answer
    }
    const answer = this.agentOf(node).statistics()
    this.figures.set(node.id, { atMs: this.clock.nowMs(), answer })
    return await answer
  }
}
