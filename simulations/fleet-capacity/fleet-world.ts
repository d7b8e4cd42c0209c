/** A fleet under a simulated clock: the keeper of sessions, the provisioner, the watch and the store that ship, with relays and users. */
import { randomFloat, SeededRandom, sleep } from '@skein/core'
import { FleetTime, FleetWatch, isLost, PoolProvisioner, POLL_MS, REAP_MS, SessionKeeper, whyNotPicked } from '@skein/fleet'
import { openStore } from '@skein/fleet/node'
import { FleetFace } from './fleet-face.ts'
import { FleetUser } from './fleet-user.ts'
import { SimulatedRelay } from './simulated-relay.ts'
import { StoreCalls, timedStore } from './timed-store.ts'
import { WorldClock } from './world-clock.ts'
import type { Budget, FleetStore, PoolNode } from '@skein/fleet'

/** 18 November 2026: of a month with budgets. */
const START_MS = 1_795_000_000_000
const CHECK_MS = 1_000
/** A relay that comes back is asked within this. */
const RETURN_MS = 2 * POLL_MS
export const REGIONS = ['us-central', 'eu-west', 'ap-southeast']

export interface FleetWorldInit {
  seed: number
  nodes: number
  users: number
  minStreams: number
  maxStreams: number
  streamBps: number
  monthLimitBytes: number
  /** Of its month's bytes a relay has carried between these at the start */
  usedShares: [from: number, to: number]
  userRoundTripMs: number
  nodeRoundTripMs: number
  dnsMs: number
  storeCallMs: number
  storeConnections: number
}

export class FleetWorld {
  readonly clock: WorldClock
  readonly random: SeededRandom
  readonly relays = new Map<string, SimulatedRelay>()
  readonly users: FleetUser[]
  /** As it is, without waiting */
  readonly store: FleetStore
  readonly time: FleetTime
  readonly budgets: Array<{ node: string, budget: Budget }> = []
  readonly found = { picks: 0, wrongPicks: 0, refusedPicks: 0, overCapacity: 0, twice: 0, overBudget: 0, longestWaitMs: 0, checks: 0 }
  /** Of the watch */
  rounds = 0
  readonly keeper: SessionKeeper
  private readonly stopping = new AbortController()
  private readonly waitsMs = new Map<FleetUser, number>()
  private readonly returnedMs = new Map<string, number>()

  static async open (init: FleetWorldInit): Promise<FleetWorld> {
    const clock = new WorldClock(START_MS)
    const world = new FleetWorld(init, clock, await openStore(':memory:', { clock }))
    await world.addRelays(init)
    await world.time.synchronize()
    world.begin()
    return world
  }

  private constructor (init: FleetWorldInit, clock: WorldClock, raw: FleetStore) {
    const calls = new StoreCalls(raw)
    this.store = calls.store
    this.clock = clock
    clock.isBusy = () => calls.isBusy
    const { relays, found } = this
    this.random = new SeededRandom(init.seed)
    this.time = new FleetTime(this.store, clock)
    const store = timedStore({
      store: this.store, clock, callMs: init.storeCallMs, connections: init.storeConnections,
      onPick: ({ isRight, found: isFound }) => {
        found.picks++
        found.wrongPicks += isRight ? 0 : 1
        found.refusedPicks += isFound ? 0 : 1
      }
    })
    const names = { publish: async () => { await sleep(clock, init.dnsMs) }, withdraw: async () => { await sleep(clock, init.dnsMs) } }
    const agentOf = ({ id }: PoolNode): SimulatedRelay => relays.get(id) as SimulatedRelay
    const pool = new PoolProvisioner({ store, agentOf, names, clock, month: () => this.time.month() })
    this.keeper = new SessionKeeper({ store, provisioners: { pool }, names, time: this.time, clock, random: this.random })
    const watch = new FleetWatch({
      store, agentOf, keeper: this.keeper, time: this.time, clock, id: 'one',
      onBudget: ({ id }, budget) => { this.budgets.push({ node: id, budget }) }
    })
    this.reap = async () => { await this.keeper.reap() }
    this.poll = async () => {
      await watch.round()
      this.rounds++
    }
    const face = new FleetFace({ clock, store, keeper: this.keeper, roundTripMs: init.userRoundTripMs })
    this.users = Array.from({ length: init.users }, (_, at) => new FleetUser({
      id: `user${at}`, region: REGIONS[at % REGIONS.length] as string, clock, random: new SeededRandom(this.random.nextUint32()), face, relays,
      streamBps: init.streamBps
    }))
  }

  private readonly reap: () => Promise<void>
  private readonly poll: () => Promise<void>

  /** Goes on for `ms`, and looks every second at what has to hold. */
  async run (ms: number): Promise<void> {
    const untilMs = this.clock.nowMs() + ms
    while (this.clock.nowMs() < untilMs) {
      await this.clock.run(Math.min(untilMs, this.clock.nowMs() + CHECK_MS))
      await this.check()
    }
  }

  /** Cut off, or back. */
  silence (relay: SimulatedRelay, isSilent: boolean): void {
    relay.silence(isSilent)
    if (!isSilent) {
      this.returnedMs.set(relay.id, this.clock.nowMs())
    }
  }

  async close (): Promise<void> {
    this.stopping.abort(new Error('The world ends'))
    for (const user of this.users) {
      user.crash()
    }
    this.clock.close()
    await this.store.close()
  }

  private begin (): void {
    for (const [round, everyMs] of [[this.reap, REAP_MS], [this.poll, POLL_MS]] as const) {
      void this.again(round, everyMs).catch(() => {}) // the world has ended
    }
  }

  /** From the begin of one to the begin of the next, as the control plane does. */
  private async again (round: () => Promise<void>, everyMs: number): Promise<void> {
    for (;;) {
      const beganMs = this.clock.nowMs()
      await round()
      await sleep(this.clock, Math.max(everyMs / 10, beganMs + everyMs - this.clock.nowMs()), { signal: this.stopping.signal })
    }
  }

  private async addRelays (init: FleetWorldInit): Promise<void> {
    const { nodes, minStreams, maxStreams, nodeRoundTripMs, monthLimitBytes, usedShares: [from, to] } = init
    for (let at = 0; at < nodes; at++) {
      const id = `relay${String(at).padStart(4, '0')}`
      const capacity = minStreams + Math.floor(randomFloat(this.random) * (maxStreams - minStreams + 1))
      this.relays.set(id, new SimulatedRelay({ id, capacity, clock: this.clock, roundTripMs: nodeRoundTripMs }))
      const host = `192.0.2.${1 + at % 250}`
      await this.store.putNode({
        id,
        region: REGIONS[at % REGIONS.length] as string,
        capacity,
        ingest: { host, port: 5000 },
        play: { host, port: 4000 },
        manageUrl: `http://${id}`,
        manageKey: id,
        monthLimitBytes
      })
      await this.store.reportNode(id, {
        health: 100, month: this.time.month(), monthBytes: Math.floor((from + randomFloat(this.random) * (to - from)) * monthLimitBytes),
        silentPolls: 0, seenMs: this.clock.nowMs(), bootId: 'one', bootBytes: 0
      })
    }
  }

  private async check (): Promise<void> {
    const { found } = this
    found.checks++
    const nodes = await this.store.nodes()
    for (const node of nodes) {
      const relay = this.relays.get(node.id) as SimulatedRelay
      found.overCapacity += node.used > node.capacity || relay.admissions.list().length > relay.capacity ? 1 : 0
      found.overBudget += node.monthBytes > (node.monthLimitBytes ?? Infinity) ? 1 : 0
    }
    await this.checkTwice(nodes)
    const hasRoom = nodes.some(node => whyNotPicked(node, this.time.month()) === undefined)
    for (const user of this.users) {
      const waitMs = user.isWanted && !user.isReady && hasRoom ? (this.waitsMs.get(user) ?? 0) + CHECK_MS : 0
      this.waitsMs.set(user, waitMs)
      found.longestWaitMs = Math.max(found.longestWaitMs, waitMs)
    }
  }

  /** Carried at two relays that are there, and not on the way from one to the other. */
  private async checkTwice (nodes: PoolNode[]): Promise<void> {
    const carriers = new Map<string, string[]>()
    for (const node of nodes) {
      const relay = this.relays.get(node.id) as SimulatedRelay
      const hasJustReturned = this.clock.nowMs() - (this.returnedMs.get(node.id) ?? -Infinity) <= RETURN_MS
      for (const { sessionId } of relay.isSilent || isLost(node) || hasJustReturned ? [] : relay.admissions.list()) {
        carriers.set(sessionId, [...carriers.get(sessionId) ?? [], node.id])
      }
    }
    for (const [sessionId, ids] of carriers) {
      if (ids.length > 1) {
        const places = await this.store.assignments({ sessionId })
        const known = new Set(places.map(({ nodeId }) => nodeId))
        const isMoving = places.some(({ role }) => role !== 'held') && ids.every(id => known.has(id))
        this.found.twice += isMoving ? 0 : 1
      }
    }
  }
}
