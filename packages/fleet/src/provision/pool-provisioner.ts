/**
 * Gives sessions a place at one of the always-on nodes of the pool. What is done at a node is in the store before, so that whoever comes after a
 * crash finds it.
 */
import { deadline, DeadlineError } from '@skein/core'
import { NodeRefusedError, NodeUnreachableError } from '../agent/node-agent.ts'
import { isLost } from '../store/pool-node.ts'
import { NoCapacityError } from './provisioner.ts'
import { placeAt } from './relay-place.ts'
import { TrackedSteps } from './tracked-steps.ts'
import type { Clock } from '@skein/core'
import type { NodeAgent } from '../agent/node-agent.ts'
import type { FleetStore } from '../store/fleet-store.ts'
import type { PoolNode } from '../store/pool-node.ts'
import type { RelayPlace } from '../store/session-record.ts'
import type {
  DeprovisionRequest, MoveRequest, NamePublisher, Provisioner, ProvisionOptions, ProvisionRequest, SessionMover
} from './provisioner.ts'

export interface PoolProvisionerInit {
  store: FleetStore
  agentOf: (node: PoolNode) => NodeAgent
  names: NamePublisher
  clock: Clock
  /** The calendar month that budgets are counted in, `2026-11` */
  month: () => string
  /** Nodes tried, one after the other, when they do not answer @default 3 */
  maxTries?: number
}

/** Most nodes answer in a few ms; one that takes longer than this would cost the user more than trying another, as long as there is another try. */
const HEALTH_MS = 1_000

export class PoolProvisioner implements Provisioner, SessionMover {
  private readonly init: PoolProvisionerInit
  private readonly maxTries: number

  constructor (init: PoolProvisionerInit) {
    this.init = init
    this.maxTries = init.maxTries ?? 3
  }

  async provision (request: ProvisionRequest, options: ProvisionOptions = {}): Promise<RelayPlace> {
    const steps = new TrackedSteps(this.init.clock, options)
    const avoid: string[] = []
    for (;;) {
      await steps.begin('launching_instance')
      const node = await this.assign(request, avoid)
      try {
        if (isLost(node)) {
          throw new NodeUnreachableError(node.id, 'it has not answered for a while')
        }
        return await this.prepare(node, request, steps, options, avoid.length + 1 >= this.maxTries)
      } catch (error) {
        const anotherMay = error instanceof NodeUnreachableError || (error instanceof NodeRefusedError && error.reason !== 'stale_fence')
        if (!anotherMay || avoid.length + 1 >= this.maxTries) {
          throw error
        }
        // it may have been admitted there and the answer lost: the watch takes away what has no assignment
        await this.init.store.unassign({ sessionId: request.sessionId, nodeId: node.id, fence: request.fence })
        avoid.push(node.id)
      }
    }
  }

  async deprovision ({ sessionId, fence }: DeprovisionRequest, options: { signal?: AbortSignal } = {}): Promise<void> {
    for (const { nodeId } of await this.init.store.assignments({ sessionId })) {
      await this.leave({ sessionId, fence, instanceId: nodeId }, options)
    }
  }

  get mover (): SessionMover {
    return this
  }

  async move (request: MoveRequest, options: ProvisionOptions = {}): Promise<RelayPlace> {
    const { store, clock, month } = this.init
    const { sessionId, fence, region, elsewhere, currentId } = request
    const steps = new TrackedSteps(clock, options)
    await steps.begin('launching_instance')
    const next = await store.assignNext({
      sessionId, fence, region, elsewhere, month: month(), nowMs: Math.floor(clock.nowMs()), currentNodeId: currentId
    })
    const node = next && await store.node(next.nodeId)
    if (node === undefined) {
      throw new NoCapacityError(region)
    }
    if (isLost(node)) {
      throw new NodeUnreachableError(node.id, 'it has not answered for a while')
    }
    const place = await this.prepare(node, request, steps, options, true)
    await store.holdAt({ sessionId, fence, nodeId: node.id })
    return place
  }

  async cancel ({ sessionId, fence, name, currentId }: MoveRequest, current: RelayPlace, options: { signal?: AbortSignal } = {}): Promise<void> {
    const { names, store } = this.init
    await store.holdAt({ sessionId, fence, nodeId: currentId })
    await names.publish(name, current.ingestHost, options)
    for (const { nodeId } of await store.assignments({ sessionId })) {
      if (nodeId !== currentId) {
        await this.leave({ sessionId, fence, instanceId: nodeId }, options)
      }
    }
  }

  async leave ({ sessionId, fence, instanceId }: DeprovisionRequest & { instanceId: string }, options: { signal?: AbortSignal } = {}): Promise<void> {
    const { store, agentOf } = this.init
    const node = await store.node(instanceId)
    try {
      if (node !== undefined) {
        await agentOf(node).revoke({ sessionId, fence }, options)
      }
    } catch (error) {
      // nobody is served by a node that is lost; before it comes back the watch compares what it carries with what it should
      if (!(error instanceof NodeUnreachableError && await this.isLost(instanceId))) {
        throw error
      }
    }
    await store.unassign({ sessionId, nodeId: instanceId, fence })
  }

  private async isLost (nodeId: string): Promise<boolean> {
    const node = await this.init.store.node(nodeId)
    return node === undefined || isLost(node)
  }

  private async assign ({ sessionId, fence, region }: ProvisionRequest, avoid: string[]): Promise<PoolNode> {
    const { store, clock, month } = this.init
    const assignment = await store.assign({ sessionId, fence, region, month: month(), nowMs: Math.floor(clock.nowMs()), avoid })
    const node = assignment && await store.node(assignment.nodeId)
    if (node === undefined) {
      throw new NoCapacityError(region)
    }
    return node
  }

  private async prepare (
    node: PoolNode, request: ProvisionRequest, steps: TrackedSteps, { signal }: ProvisionOptions, isLastTry: boolean
  ): Promise<RelayPlace> {
    const { agentOf, names, clock } = this.init
    const { sessionId, streamToken, fence } = request
    const agent = agentOf(node)
    await steps.begin('waiting_for_instance')
    const limit = deadline(clock, isLastTry ? undefined : HEALTH_MS, [signal])
    try {
      await agent.health({ signal: limit.signal })
    } catch (error) {
      signal?.throwIfAborted()
      throw error instanceof DeadlineError ? new NodeUnreachableError(node.id, error.message) : error
    } finally {
      limit.clear()
    }
    await steps.begin('admitting_stream')
    await agent.admit({ sessionId, streamToken, fence }, { signal })
    await steps.begin('publishing_name')
    await names.publish(request.name, node.ingest.host, { signal })
    await steps.begin('checking_relay')
    const { streams } = await agent.statistics({ signal })
    if (!streams.some(stream => stream.sessionId === sessionId && stream.fence === fence)) {
      throw new NodeUnreachableError(node.id, 'it does not carry the stream that it has just taken: was it started again?')
    }
    await steps.finish()
    return placeAt(node)
  }
}
