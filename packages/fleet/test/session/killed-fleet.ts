/** A fleet in one process whose parts are killed: control planes at any of their calls, nodes, clients. The store is what survives, and the clock. */
import { ManualClock, randomBelow, SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { FleetTime, FleetWatch, isLive, PoolProvisioner, SessionKeeper } from '@skein/fleet'
import { openStore } from '@skein/fleet/node'
import { nodeSpec } from '../records.ts'
import { TestNode } from '../test-node.ts'
import { CrashGate } from './crash-gate.ts'
import type { FleetStore, PoolNode, SessionRecord } from '@skein/fleet'

interface ControlPlane {
  gate: CrashGate
  keeper: SessionKeeper
  watch: FleetWatch
}

const SLOTS = 3

export class KilledFleet {
  readonly random: SeededRandom
  readonly clock = new ManualClock(1_795_000_000_000)
  readonly nodes: TestNode[] = []
  readonly store: FleetStore
  readonly kills = { client: 0, controlPlane: 0, node: 0 }
  readonly problems: string[] = []
  private readonly planes: ControlPlane[] = []
  /** Clients that are there: what each thinks is its session */
  private readonly clients = new Map<string, { userId: string, slot: number, sessionId?: string }>()
  private planeCount = 0
  /** Control planes that stand still, and after how many steps they go on */
  private readonly still: Array<{ plane: ControlPlane, action: Promise<void>, steps: number }> = []

  static async open (seed: number): Promise<KilledFleet> {
    const clock = new ManualClock(1_795_000_000_000)
    return new KilledFleet(seed, clock, await openStore(':memory:', { clock }))
  }

  private constructor (seed: number, clock: ManualClock, store: FleetStore) {
    this.random = new SeededRandom(seed)
    this.clock = clock
    this.store = store
  }

  async addNodes (count: number, capacity: number): Promise<void> {
    for (let at = 0; at < count; at++) {
      this.nodes.push(new TestNode(`n${at}`, capacity))
      await this.store.putNode(nodeSpec(`n${at}`, { capacity, manageUrl: `http://n${at}`, region: at % 2 === 0 ? 'us-central' : 'eu-west' }))
    }
  }

  /** One control plane more, as its process starts. */
  async startPlane (): Promise<void> {
    const gate = new CrashGate(this.random)
    const store = gate.guard(this.store)
    const agents = new Map(this.nodes.map(node => [node.id, gate.guard(node)]))
    const agentOf = ({ id }: { id: string }): TestNode => agents.get(id) as TestNode
    const time = new FleetTime(store, this.clock)
    const names = gate.guard({ publish: async () => {}, withdraw: async () => {} })
    const pool = new PoolProvisioner({ store, agentOf, names, clock: this.clock, month: () => time.month() })
    const keeper = new SessionKeeper({ store, provisioners: { pool }, names, time, clock: this.clock, random: this.random })
    const watch = new FleetWatch({ store, agentOf, keeper, time, clock: this.clock, id: `plane-${this.planeCount++}` })
    await time.synchronize()
    this.planes.push({ gate, keeper, watch })
  }

  /** Something happens, and at random something is killed while it does. */
  async step (): Promise<void> {
    for (const stopped of this.still.filter(stopped => stopped.steps-- === 0)) {
      this.still.splice(this.still.indexOf(stopped), 1)
      await goOn(stopped)
      this.planes.push(stopped.plane)
    }
    const plane = this.one(this.planes)
    const dies = randomBelow(this.random, 3) === 0
    if (dies) {
      plane.gate.arm(24)
    }
    const stops = !dies && randomBelow(this.random, 3) === 0
    const ends: Array<Promise<'crashed' | 'stopped'>> = [plane.gate.crashed, ...stops ? [plane.gate.armStop(24)] : []]
    const action = this.act(plane)
    let end: string | void = await Promise.race([action, ...ends])
    end ??= await Promise.race([plane.keeper.settled(), ...ends])
    if (end === 'stopped') {
      this.planes.splice(this.planes.indexOf(plane), 1)
      this.still.push({ plane, action, steps: 1 + randomBelow(this.random, 12) })
      await this.startPlane()
      await this.overtake()
    } else if (stops) {
      plane.gate.resume()
    }
    if (dies && !plane.gate.isDead) {
      // it had less to do
      plane.gate.kill()
    }
    if (plane.gate.isDead) {
      this.kills.controlPlane++
      this.planes.splice(this.planes.indexOf(plane), 1)
      await this.startPlane()
    }
    await this.check()
  }

  /** While one stands still, another does what it was at, or ends it. */
  private async overtake (): Promise<void> {
    const { keeper } = this.planes.at(-1) as ControlPlane
    // nothing, taking it over, or letting its lease run out
    const rounds = [0, 1, 6][randomBelow(this.random, 3)] as number
    for (let round = 0; round < rounds; round++) {
      this.clock.advance(60_000)
      await keeper.reap()
      await keeper.settled()
    }
  }

  private async act ({ keeper, watch }: ControlPlane): Promise<void> {
    const kind = randomBelow(this.random, 14)
    if (kind < 4) {
      const [userId, slot] = [`user${randomBelow(this.random, 4)}`, randomBelow(this.random, SLOTS)]
      const client: { userId: string, slot: number, sessionId?: string } = { userId, slot }
      this.clients.set(`${userId}/${slot}`, client)
      client.sessionId = (await keeper.start({ userId, slot, region: this.one(['', 'eu-west', 'us-central']) })).id
    } else if (kind < 5) {
      const client = this.anyClient()
      if (client?.sessionId !== undefined) {
        this.clients.delete(`${client.userId}/${client.slot}`)
        await keeper.stop(await this.store.session(client.sessionId) as SessionRecord)
      }
    } else if (kind < 6) {
      const client = this.anyClient()
      if (client !== undefined) {
        this.kills.client++
        this.clients.delete(`${client.userId}/${client.slot}`)
      }
    } else if (kind < 7) {
      const node = this.one(this.nodes)
      this.kills.node++
      if (node.isUp && randomBelow(this.random, 2) === 0) {
        node.isUp = false
      } else if (!node.isUp && randomBelow(this.random, 2) === 0) {
        // it was only cut off, and carries on with what it had
        node.isUp = true
      } else {
        node.restart()
      }
    } else if (kind < 8) {
      this.clock.advance(randomBelow(this.random, 200_000))
    } else if (kind < 9) {
      await keeper.reap()
    } else if (kind < 11) {
      this.clock.advance(6_100)
      await watch.round()
    } else if (kind < 13) {
      const session = await this.anySession()
      if (session !== undefined) {
        await keeper.startMove(session, this.one(['eu-west', 'us-central'])).catch(() => {})
      }
    } else {
      this.clock.advance(30_000)
      for (const { sessionId } of this.clients.values()) {
        if (sessionId !== undefined) {
          await keeper.renew(await this.store.session(sessionId) as SessionRecord).catch(() => {})
        }
      }
    }
  }

  /** What holds at any time. */
  private async check (): Promise<void> {
    for (const { id } of this.nodes) {
      // what a control plane had the store do as it died may be done between two questions
      let node = await this.store.node(id) as PoolNode
      let assignments = await this.store.assignments({ nodeId: id })
      while ((await this.store.node(id))?.used !== node.used) {
        node = await this.store.node(id) as PoolNode
        assignments = await this.store.assignments({ nodeId: id })
      }
      expect(node.used, node.id).to.equal(assignments.length).and.to.be.at.most(node.capacity)
    }
    const live = (await this.store.sessions({ limit: 1_000 })).filter(isLive)
    expect(new Set(live.map(({ userId, slot }) => `${userId}/${slot}`)).size).to.equal(live.length)
  }

  /** All that stood still goes on, all nodes are there; after a few rounds each live session is carried where its user was told. @returns how many */
  async everyoneIsServed (): Promise<number> {
    for (const stopped of this.still.splice(0)) {
      await goOn(stopped)
    }
    for (const node of this.nodes) {
      node.isUp = true
    }
    await this.startPlane()
    const { keeper, watch } = this.planes.at(-1) as ControlPlane
    for (let round = 0; round < 4; round++) {
      this.clock.advance(20_000)
      await keeper.reap()
      await keeper.settled()
      await watch.round()
      await keeper.settled()
    }
    const live = (await this.store.sessions({ limit: 1_000 })).filter(isLive)
    for (const { id, state, place, move, streamToken } of live) {
      expect([state, move], id).to.deep.equal(['active', undefined])
      const node = this.nodes.find(({ id }) => id === place?.instanceId)
      expect(node?.admissions.sessionOf(streamToken), `${id} at ${place?.instanceId}`).to.equal(id)
      const held = (await this.store.assignments({ sessionId: id })).filter(({ role }) => role === 'held')
      expect(held.map(({ nodeId }) => nodeId), id).to.deep.equal([place?.instanceId])
    }
    return live.length
  }

  /** All clients are gone; after a lease and two rounds nothing may be left. */
  async comeToRest (): Promise<void> {
    for (let round = 0; round < 4; round++) {
      await this.startPlane()
      const plane = this.planes.at(-1) as ControlPlane
      this.clock.advance(400_000)
      // a gap without control planes puts leases off; this one was there all the time
      for (let beat = 0; beat < 8; beat++) {
        await plane.keeper.reap()
        await plane.keeper.settled()
        this.clock.advance(60_000)
      }
      await plane.watch.round()
      await plane.keeper.settled()
    }
  }

  /** As a client that comes back: its slot works. */
  async startAnew (userId: string, slot: number): Promise<SessionRecord> {
    const { keeper } = this.planes.at(-1) as ControlPlane
    const { id } = await keeper.start({ userId, slot })
    await keeper.settled()
    return await this.store.session(id) as SessionRecord
  }

  private async anySession (): Promise<SessionRecord | undefined> {
    const id = this.anyClient()?.sessionId
    return id === undefined ? undefined : await this.store.session(id)
  }

  private anyClient (): { userId: string, slot: number, sessionId?: string } | undefined {
    return this.clients.size === 0 ? undefined : this.one([...this.clients.values()])
  }

  private one<T> (items: T[]): T {
    return items[randomBelow(this.random, items.length)] as T
  }
}

/** It finishes what it was at. */
async function goOn ({ plane, action }: { plane: ControlPlane, action: Promise<void> }): Promise<void> {
  plane.gate.resume()
  await action
  await plane.keeper.settled()
}
