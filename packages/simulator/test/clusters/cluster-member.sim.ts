/** Machines of members in a simulated world: many clusters of two regions, and one large cluster whose peers come and go. */
import { randomBelow, randomFloat, SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { mainlineSessions } from '../../src/index.ts'
import { MemberWorld } from './member-world.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const BOUNDS = { minPeers: 16, maxPeers: 64 }

/** Runs until `check` holds, a second at a time; how long it took, s. */
function secondsUntil (world: MemberWorld, check: () => boolean, most: number): number {
  const startMs = world.sim.world.elapsedMs
  for (let seconds = 0; seconds <= most; seconds++) {
    world.sim.run(startMs + seconds * SECOND)
    if (check()) {
      return seconds
    }
  }
  throw new Error(`Not within ${most} s, seed ${SEED}`)
}

const SEED = 1

describe('2,000 members of two regions in clusters of at most 64', function () {
  this.timeout(900_000)
  const NODES = 2000
  let world: MemberWorld

  const total = (): number => world.up().length
  const free = (node: number): number => (world.where(node, 'common') ?? []).reduce((sum, answer) => sum + answer.free, 0)
  const knowAll = (): number => world.up().filter(node => free(node) >= total() * 0.99).length

  before(() => {
    world = new MemberWorld({
      seed: SEED,
      nodes: NODES + 50,
      bounds: BOUNDS,
      regionOf: node => node % 2 === 0 ? 'eu-west' : 'us-east',
      weightOf: node => node % 5 < 2 ? 1 : 0,
      loadsOf: node => [{ model: 'common', free: 1 }, ...(node === 77 ? [{ model: 'rare', free: 3 }] : [])]
    })
    for (let node = 0; node < NODES; node++) {
      world.sim.at(node * 10 * MINUTE / NODES, node, () => { world.sim.restart(node) })
    }
    world.sim.run(25 * MINUTE)
  })

  it('are each in a cluster that is not too large, and know who else is', () => {
    const clusters = world.clusters()
    let knowing = 0
    for (const [scope, nodes] of clusters) {
      expect(nodes.length, scope).to.be.at.most(BOUNDS.maxPeers)
      knowing += nodes.filter(node => world.machine(node).memberCount === nodes.length).length
    }
    const small = [...clusters.values()].filter(nodes => nodes.length < BOUNDS.minPeers).reduce((sum, nodes) => sum + nodes.length, 0)
    console.log(`      ${clusters.size} clusters of ${Math.min(...[...clusters.values()].map(nodes => nodes.length))} to ` +
      `${Math.max(...[...clusters.values()].map(nodes => nodes.length))}; ${small} peers in too small ones; ${knowing} know all members`)
    expect(knowing).to.be.at.least(0.99 * NODES)
    expect(small).to.be.at.most(0.01 * NODES)
  })

  it('say from anywhere where there is capacity', () => {
    console.log(`      ${knowAll()} of ${total()} know of 99 % of the capacity`)
    expect(knowAll()).to.be.at.least(0.99 * NODES)
    const rare = world.up().filter(node => world.where(node, 'rare')?.[0]?.free === 3)
    expect(rare.length).to.be.at.least(0.99 * NODES)
  })

  for (const [name, level] of [['cluster', 1], ['part of a zone', 2], ['region', 3]] as const) {
    it(`replace within 60 s who coordinates a ${name} and is killed, and know the capacity again`, () => {
      const victim = world.up().find(node => world.machine(node).held.length >= level && (level > 1 || world.machine(node).held.length === 1)) as number
      const scopes = world.machine(victim).held
      world.sim.at(world.sim.world.elapsedMs, victim, () => { world.sim.crash(victim) })
      world.sim.run(world.sim.world.elapsedMs + 1)
      expect(world.sim.node(victim).up).to.equal(false)
      const replaced = secondsUntil(world, () => scopes.every(scope => world.holdersOf(scope).length > 0), 60)
      const known = secondsUntil(world, () => knowAll() >= 0.99 * total(), 120)
      console.log(`      ${scopes.join(', ')}: replaced after ${replaced} s, capacity known to 99 % after ${replaced + known} s`)
      world.sim.run(world.sim.world.elapsedMs + 2 * MINUTE)
    })
  }

  it('know within 10 s of a newcomer, 99 of 100 of its cluster', () => {
    for (let newcomer = NODES; newcomer < NODES + 5; newcomer++) {
      world.sim.at(world.sim.world.elapsedMs, newcomer, () => { world.sim.restart(newcomer) })
      world.sim.run(world.sim.world.elapsedMs + 1)
      const seconds = secondsUntil(world, () => {
        const others = world.clusters().get(world.machine(newcomer).scope)?.filter(node => node !== newcomer) ?? []
        const knowing = others.filter(node => world.machine(node).hasMember(world.names[newcomer] as string)).length
        return others.length >= BOUNDS.minPeers && knowing >= Math.floor(0.99 * others.length)
      }, 60)
      console.log(`      known after ${seconds} s`)
    }
  })
})

describe('a cluster whose peers come and go as on BitTorrent\'s mainline', function () {
  this.timeout(900_000)

  it('costs a device less than 250 B/s when it has 1,024, as the hour of 400 shows: presence grows with their number', () => {
    const [nodes, spare, minutes] = [400, 200, 60]
    const random = new SeededRandom(SEED)
    const world = new MemberWorld({
      seed: SEED,
      nodes: nodes + spare,
      bounds: {},
      regionOf: () => 'eu-west',
      weightOf: node => node % 10 === 0 ? 1 : 0,
      loadsOf: node => node % 3 === 0 ? [{ model: `model ${node % 10}`, free: 1 }] : []
    })
    for (let node = 0; node < nodes; node++) {
      world.sim.at(node * 5 * MINUTE / nodes, node, () => { world.sim.restart(node) })
    }
    world.sim.run(10 * MINUTE)
    const before = { ...world.sent }
    // half of those that end crash; for each another one starts
    const meanMs = mainlineSessions().meanMs / nodes
    let next = nodes
    let changes = 0
    for (let atMs = 10 * MINUTE; atMs < (10 + minutes) * MINUTE && next < nodes + spare; atMs += -Math.log(1 - randomFloat(random)) * meanMs) {
      world.sim.run(atMs)
      const up = world.up()
      const node = up[randomBelow(random, up.length)] as number
      const newcomer = next++
      const crashes = randomFloat(random) < 0.5
      world.sim.at(atMs, node, () => { crashes ? world.sim.crash(node) : world.leave(node) })
      world.sim.at(atMs, newcomer, () => { world.sim.restart(newcomer) })
      changes++
    }
    world.sim.run((10 + minutes) * MINUTE)
    const perSecond = (kind: keyof typeof before): number => (world.sent[kind] - before[kind]) / nodes / (minutes * 60)
    const kinds = Object.keys(before) as Array<keyof typeof before>
    const atMost = kinds.reduce((sum, kind) => sum + perSecond(kind) * (kind === 'presence' ? 1024 / nodes : 1), 0)
    console.log(`      ${changes} left and as many came; B/s a device: ${kinds.map(kind => `${kind} ${perSecond(kind).toFixed(1)}`).join(', ')}; ` +
      `with 1,024: ${atMost.toFixed(0)}`)
    expect(atMost).to.be.at.most(250)
    const knowing = world.up().filter(node => Math.abs(world.machine(node).memberCount - world.up().length) <= 2)
    expect(knowing.length).to.be.at.least(0.99 * world.up().length)
  })
})
