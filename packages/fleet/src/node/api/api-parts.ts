/** What all parts of the API are made from. */
import type { Clock, Random } from '@skein/core'
import type { FastifyRequest } from 'fastify'
import type { NodeStatistics } from '../../agent/node-agent.ts'
import type { NamePublisher } from '../../provision/provisioner.ts'
import type { FleetTime } from '../../session/fleet-time.ts'
import type { SessionKeeper } from '../../session/session-keeper.ts'
import type { FleetStore, KeyRecord } from '../../store/fleet-store.ts'
import type { PoolNode } from '../../store/pool-node.ts'
import type { Scope } from './api-keys.ts'

export interface ApiParts {
  store: FleetStore
  keeper: SessionKeeper
  names: NamePublisher
  time: FleetTime
  clock: Clock
  random: Random
  /** A node's figures, not older than a poll */
  statistics: (node: PoolNode) => Promise<NodeStatistics>
  /** The same without asking it; left out by a control plane that does not watch, and of a node that is silent */
  lastStatistics: (node: PoolNode) => NodeStatistics | undefined
  /** Tells a node to take nobody new, or to take them again */
  drain: (node: PoolNode, draining: boolean) => Promise<void>
  /** Who asks; answers 401, 403 or 429 otherwise */
  admit: (request: FastifyRequest, scope: Scope) => Promise<KeyRecord>
  /** The same, for a user's key */
  user: (request: FastifyRequest) => Promise<string>
  /** Fires when the control plane stops */
  stopping: AbortSignal
}

/** For the OpenAPI document: this asks for a key. */
export const SECURED = [{ key: [] }]
