/**
 * Asks every node how it does, has what it carries put right, and moves the sessions of those that are lost, or to be emptied. One control plane does
 * it for all.
 */
import { deadline } from '@skein/core'
import { isLost, isToBeEvacuated } from '../store/pool-node.ts'
import { answered, budgetAlarm, keptSilent, reconcile, toAdmit, toEvacuate } from './watch-round.ts'
import type { Clock } from '@skein/core'
import type { NodeAgent, NodeStatistics } from '../agent/node-agent.ts'
import type { SessionKeeper } from '../session/session-keeper.ts'
import type { FleetTime } from '../session/fleet-time.ts'
import type { FleetStore } from '../store/fleet-store.ts'
import type { PoolNode } from '../store/pool-node.ts'
import type { Budget } from './node-health.ts'

export interface FleetWatchInit {
  store: FleetStore
  agentOf: (node: PoolNode) => NodeAgent
  keeper: Pick<SessionKeeper, 'displace' | 'evacuate'>
  time: FleetTime
  clock: Clock
  /** Of this process, among the control planes */
  id: string
  /** Told of each answer, for metrics and for those who ask for statistics @default () => {} */
  onStatistics?: (node: PoolNode, statistics: NodeStatistics) => void
  /** Told once when a node comes to 70 %, and to 90 %, of its month's bytes @default () => {} */
  onBudget?: (node: PoolNode, budget: Budget) => void
  /** @default () => {} */
  onProblem?: (problem: { nodeId: string, error: Error }) => void
}

export const POLL_MS = 2_000
/** A node that answers later does not answer: the others are waiting for the next round. */
const ANSWER_MS = 1_500
/** A control plane that has not said that it watches for so long is not watching any more. */
const LEAD_MS = 6_000
/** Nodes asked at once: of a thousand, three hundred may be silent, and all are asked in two seconds all the same. */
const MAX_AT_ONCE = 256

export class FleetWatch {
  private readonly init: FleetWatchInit

  constructor (init: FleetWatchInit) {
    this.init = init
  }

  /** One round, if this process is the one that watches. @returns whether it is */
  async round (options: { signal?: AbortSignal } = {}): Promise<boolean> {
    const { store, time, id } = this.init
    if (!await store.lead('watch', id, time.nowMs(), LEAD_MS)) {
      return false
    }
    const nodes = (await store.nodes()).filter(({ manageUrl }) => manageUrl !== undefined)
    const waiting = nodes.values()
    await Promise.all(Array.from({ length: Math.min(nodes.length, MAX_AT_ONCE) }, async () => {
      for (const node of waiting) {
        try {
          await this.poll(node, options)
        } catch (error) {
          options.signal?.throwIfAborted()
          this.init.onProblem?.({ nodeId: node.id, error: error as Error })
        }
      }
    }))
    return true
  }

  private async poll (node: PoolNode, { signal }: { signal?: AbortSignal }): Promise<void> {
    const { store, agentOf, time, clock, onStatistics, onBudget } = this.init
    const agent = agentOf(node)
    let statistics: NodeStatistics
    const limit = deadline(clock, ANSWER_MS, [signal])
    try {
      statistics = await agent.statistics({ signal: limit.signal })
    } catch {
      signal?.throwIfAborted()
      const report = keptSilent(node, time.month())
      await store.reportNode(node.id, report)
      if (isLost(report)) {
        await this.displace(node)
      }
      return
    } finally {
      limit.clear()
    }
    onStatistics?.(node, statistics)
    if (node.owner === undefined) {
      const { revoke, missing } = reconcile(statistics, await store.assignments({ nodeId: node.id }))
      for (const request of revoke) {
        await agent.revoke(request, { signal })
      }
      for (const request of missing.length === 0 ? [] : toAdmit(missing, await store.assignedSessions(node.id))) {
        await agent.admit(request, { signal })
      }
    }
    // last: a node that was lost is given nothing before it is as it should be
    const report = answered(node, statistics, time.month(), time.nowMs())
    await store.reportNode(node.id, report)
    if (node.owner === undefined && isToBeEvacuated({ ...node, ...report })) {
      await this.evacuate(node)
    }
    const alarm = budgetAlarm(node, report, time.nowMs())
    if (alarm !== undefined) {
      onBudget?.(node, alarm)
    }
  }

  private async evacuate (node: PoolNode): Promise<void> {
    const { store, keeper, time } = this.init
    for (const session of toEvacuate(node.id, await store.assignedSessions(node.id), time.nowMs())) {
      await keeper.evacuate(session)
    }
  }

  private async displace (node: PoolNode): Promise<void> {
    for (const session of await this.init.store.assignedSessions(node.id)) {
      if (session.state === 'active' && session.place?.instanceId === node.id) {
        await this.init.keeper.displace(session)
      }
    }
  }
}
