/**
 * What clients of a super-node do when it dies: the machines of `@skein/supernode` under one simulated clock, each under its own driver.
 *
 * Peers stand at random in a square; a round trip is 10 ms and up to 150 ms more by distance. To connect takes two round trips, a reservation one.
 * Leases tell how full a super-node is once a minute, as it was then; a full one refuses and names a pause. One that was killed resets its
 * connections, which its clients see after half a round trip; one that lost its power says nothing.
 */
import { MachineDriver } from '@skein/core'
import { SuperNodeSet } from '@skein/supernode'
import { HeapClock } from '../engine/heap-clock.ts'
import { RandomStream } from '../engine/random-stream.ts'
import type { SetEffect, SuperNodeSetInit } from '@skein/supernode'

export interface FailoverInit {
  clients: number
  superNodes: number
  /** Autonomous systems over which they are spread evenly */
  systems: number
  /** Reservations that each super-node takes */
  capacity: number
  /** It was killed and its connections are reset, or it fell silent */
  death: 'killed' | 'silent'
  set?: SuperNodeSetInit
  seed: number
  stream: number
}

export interface Failover {
  /** For each client whose primary died: from the death to the next primary, ms; `Infinity` for one that did not move */
  movedMs: Float64Array
  /** Of these, the clients that held a second reservation */
  withSecond: number
  /** The busiest super-node that is left after a minute, by its share of the capacity */
  busiest: number
  /** Reservations that were refused because a super-node was full */
  refused: number
  /** Changes of super-nodes before the death, a client and hour: what stickiness costs */
  changesPerHour: number
}

const SETTLE_MS = 600_000
const WATCH_MS = 60_000
const LEASE_MS = 60_000
const RETRY_MS = 30_000
const BASE_MS = 10
const DISTANCE_MS = 150

interface Client {
  driver: MachineDriver<SetEffect, SuperNodeSet>
  x: number
  y: number
  /** The first move since it was cleared */
  movedAtMs?: number
  changes: number
}

interface Server {
  peer: string
  x: number
  y: number
  system: number
  reservations: Set<Client>
  dead: boolean
}

export function runFailover ({ clients: clientCount, superNodes, systems, capacity, death, set, seed, stream }: FailoverInit): Failover {
  const clock = new HeapClock()
  const random = new RandomStream(seed, stream)
  const servers: Server[] = Array.from({ length: superNodes }, (_, i) => ({
    peer: String(i), x: random.float(i, 0), y: random.float(i, 1), system: i % systems, reservations: new Set<Client>(), dead: false
  }))
  let refused = 0
  const roundTripMs = (client: Client, server: Server): number =>
    BASE_MS + DISTANCE_MS * Math.hypot(client.x - server.x, client.y - server.y) / Math.SQRT2

  const perform = (client: Client, effect: SetEffect): void => {
    if (effect.type === 'moved') {
      client.changes++
      client.movedAtMs ??= clock.nowMs()
      return
    }
    const server = servers[Number(effect.peer)] as Server
    const later = (roundTrips: number, answer: (machine: SuperNodeSet, nowMs: number) => void): void => {
      clock.schedule(clock.nowMs() + roundTrips * roundTripMs(client, server), () => {
        if (!server.dead) {
          client.driver.input(answer)
        }
      })
    }
    const { peer } = server
    if (effect.type === 'release') {
      server.reservations.delete(client)
    } else if (effect.type === 'connect') {
      later(2, (machine, nowMs) => { machine.onConnected(peer, nowMs) })
    } else if (effect.type === 'probe') {
      later(1, (machine, nowMs) => { machine.onAlive(peer, nowMs) })
    } else if (server.dead || server.reservations.size < capacity) {
      // taken at once: two that ask in the same round trip must not both get the last place
      server.reservations.add(client)
      later(1, (machine, nowMs) => { machine.onReserved(peer, nowMs) })
    } else {
      refused++
      later(1, (machine, nowMs) => { machine.onFailed(peer, nowMs, RETRY_MS) })
    }
  }

  const clients = Array.from({ length: clientCount }, (_, i): Client => {
    const entity = superNodes + i
    const client: Client = {
      x: random.float(entity, 0),
      y: random.float(entity, 1),
      changes: 0,
      driver: new MachineDriver<SetEffect, SuperNodeSet>({
        machine: new SuperNodeSet(set ?? {}, random.generator(1_000_000 + i)), clock, perform: effect => { perform(client, effect) }
      })
    }
    return client
  })

  const tell = (): void => {
    // the lease of the dead one lasts for minutes yet
    const known = servers.map(({ peer, system, reservations }) => ({
      peer, load: reservations.size / capacity, networks: [{ small: `${peer}/24`, wide: `${peer}/16`, system }]
    }))
    clients.forEach((client, i) => {
      // leases reach each client at another time, and they say what was true before
      clock.schedule(clock.nowMs() + random.float(superNodes + i, 2) * LEASE_MS, () => {
        client.driver.input((machine, nowMs) => {
          // round trips are known from coordinates, within a fifth
          for (const server of servers) {
            const error = 0.8 + 0.4 * random.float(superNodes + i, 10 + Number(server.peer))
            machine.onRoundTrip(server.peer, roundTripMs(client, server) * error, nowMs)
          }
          machine.onKnown(known, nowMs)
        })
      })
    })
  }
  for (let atMs = 0; atMs < SETTLE_MS + WATCH_MS; atMs += LEASE_MS) {
    clock.schedule(atMs, tell)
  }

  clock.advance(SETTLE_MS)
  const changesPerHour = clients.reduce((sum, { changes }) => sum + Math.max(0, changes - 1), 0) / clientCount * 3_600_000 / SETTLE_MS
  const victim = servers.reduce((most, server) => server.reservations.size > most.reservations.size ? server : most)
  const affected = clients.filter(({ driver }) => driver.machine.primary === victim.peer)
  const withSecond = affected.filter(({ driver }) => driver.machine.reserved.length > 1).length
  const diedMs = clock.nowMs()
  victim.dead = true
  if (death === 'killed') {
    for (const client of victim.reservations) {
      clock.schedule(diedMs + roundTripMs(client, victim) / 2, () => {
        client.driver.input((machine, nowMs) => { machine.onFailed(victim.peer, nowMs) })
      })
    }
  }
  affected.forEach(client => { client.movedAtMs = undefined })
  clock.advance(WATCH_MS)
  const busiest = Math.max(...servers.filter(({ dead }) => !dead).map(({ reservations }) => reservations.size / capacity))
  clients.forEach(({ driver }) => { driver.stop() })
  const movedMs = Float64Array.from(affected, ({ movedAtMs }) => (movedAtMs ?? Infinity) - diedMs)
  return { movedMs, withSecond, busiest, refused, changesPerHour }
}
