/** Starts a control plane of the fleet: the API, the reaper, the watch. */
import { systemClock, systemRandom } from '@skein/core/system'
import { HttpNodeAgent } from '../agent/http-node-agent.ts'
import { OwnRelayProvisioner } from '../provision/own-relay-provisioner.ts'
import { PoolProvisioner } from '../provision/pool-provisioner.ts'
import { FleetTime } from '../session/fleet-time.ts'
import { uniqueId } from '../session/random-name.ts'
import { SessionKeeper } from '../session/session-keeper.ts'
import { REAP_MS } from '../session/session-life.ts'
import { FleetWatch, POLL_MS } from '../watch/fleet-watch.ts'
import { ApiGuard } from './api/api-guard.ts'
import { fleetApi } from './api/fleet-api.ts'
import { listen } from './http/http-server.ts'
import { NodeFigures } from './node-figures.ts'
import { publicFetch } from './public-fetch.ts'
import { Rounds } from './rounds.ts'
import type { Clock, Random } from '@skein/core'
import type { NodeAgent } from '../agent/node-agent.ts'
import type { NamePublisher, Provisioner } from '../provision/provisioner.ts'
import type { FleetStore } from '../store/fleet-store.ts'
import type { PoolNode } from '../store/pool-node.ts'
import type { ProviderName } from '../store/session-record.ts'
import type { SessionTimes } from '../session/session-life.ts'
import type { Budget } from '../watch/node-health.ts'
import type { ApiLimits } from './api/api-guard.ts'
import type { HttpAddress } from './http/http-server.ts'

export interface ControlPlaneInit extends HttpAddress {
  /** As `openStore` gives it; it stays open when the control plane stops */
  store: FleetStore
  /** Points the names of slots at nodes @default nothing does: users are told the address of the node */
  names?: NamePublisher
  /** In place of, or beside, those for the pool and for relays of one's own */
  provisioners?: (standard: Record<'pool' | 'own', Provisioner>) => Partial<Record<ProviderName, Provisioner>>
  /** @default over HTTP, at the URL and with the key that the node was added with */
  agentOf?: (node: PoolNode) => NodeAgent
  limits?: ApiLimits
  /**
   * Addresses, or networks as `192.0.2.0/24`, of proxies in front of it, whose X-Forwarded-For is believed. Without it all who come through one share
   * its address, and the limit of strangers with it.
   *
   * @default none
   */
  proxies?: string[]
  /** How long leases live, and when work counts as left lying @default SESSION_TIMES */
  times?: Partial<SessionTimes>
  /** From one look for expired leases and work left lying to the next, ms @default 60_000 */
  reapMs?: number
  /** From one poll of the nodes to the next, ms @default 2_000 */
  pollMs?: number
  clock?: Clock
  random?: Random
  /** Told once when a node comes to 70 % of its month's bytes, and to 90 %, where it is given nothing more @default () => {} */
  onBudget?: (node: PoolNode, budget: Budget) => void
  /**
   * Relays of users may be watched where they are not in the world: on loopback, in private networks, in this machine's own. Whoever has a key then
   * has the control plane ask there.
   *
   * @default false
   */
  allowPrivateRelays?: boolean
  /** For the log @default () => {} */
  onProblem?: (message: string, error: Error) => void
}

export interface ControlPlane {
  url: string
  keeper: SessionKeeper
  /** Answers nobody any more; work under way is left to the next control plane */
  close (): Promise<void>
}

const NO_NAMES: NamePublisher = { publish: async () => {}, withdraw: async () => {} }

/** @throws {FleetListenError} */
export async function createControlPlane (init: ControlPlaneInit): Promise<ControlPlane> {
  const { store, names = NO_NAMES, clock = systemClock(), random = systemRandom(), onProblem = () => {}, reapMs = REAP_MS, pollMs = POLL_MS } = init
  const time = new FleetTime(store, clock)
  await time.synchronize()
  const agentOf = init.agentOf ?? (node => new HttpNodeAgent({
    url: node.manageUrl ?? '',
    key: node.manageKey ?? '',
    clock,
    fetch: node.owner === undefined || init.allowPrivateRelays === true ? globalThis.fetch : publicFetch
  }))
  // steps are told in the fleet's time, as all else of a session is, whichever control plane does them
  const standard = {
    pool: new PoolProvisioner({ store, agentOf, names, clock: time, month: () => time.month() }),
    own: new OwnRelayProvisioner({ store, agentOf, names, clock: time })
  }
  const provisioners = init.provisioners?.(standard) ?? standard
  const keeper = new SessionKeeper({
    store, provisioners, names, time, clock, random, times: init.times,
    onProblem: ({ sessionId, work, error }) => { onProblem(`Session ${sessionId}: ${work} failed`, error) }
  })
  const figures = new NodeFigures(agentOf, clock)
  const watch = new FleetWatch({
    store, agentOf, keeper, time, clock, id: uniqueId(random),
    onBudget: init.onBudget,
    onStatistics: (node, statistics) => { figures.put(node.id, statistics) },
    onProblem: ({ nodeId, error }) => { onProblem(`Node ${nodeId} could not be watched`, error) }
  })
  const stopping = new AbortController()
  const server = await fleetApi({
    store, keeper, names, time, clock, random,
    statistics: async node => await figures.of(node),
    lastStatistics: node => figures.last(node),
    drain: async (node, draining) => { await agentOf(node).drain(draining) },
    guard: new ApiGuard(store, clock, init.limits),
    proxies: init.proxies,
    stopping: stopping.signal,
    onProblem: (error, requestId) => { onProblem(`Request ${requestId} failed`, error) }
  })
  const url = await listen(server, init)

  const rounds = [
    new Rounds({
      clock, everyMs: reapMs, round: async () => { await keeper.reap() }, onProblem: error => { onProblem('The reaper failed', error) }
    }),
    new Rounds({
      clock, everyMs: pollMs, round: async signal => { await watch.round({ signal }) }, onProblem: error => { onProblem('The watch failed', error) }
    })
  ]
  return {
    url,
    keeper,
    close: async () => {
      stopping.abort(new Error('The control plane is stopping'))
      await server.close()
      await keeper.close()
      await Promise.all(rounds.map(async round => { await round.stop() }))
    }
  }
}
