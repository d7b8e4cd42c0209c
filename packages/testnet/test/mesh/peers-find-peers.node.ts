import { SeededRandom, shuffle, sleep } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { createSeed } from '@skein/seed'
import { expect } from 'chai'
import { MeshProcess } from './mesh-process.ts'
import type { PeerLinks, StartedPeer } from './mesh-process.ts'
import type { Random } from '@skein/core'
import type { Seed } from '@skein/seed'

const PEERS_PER_PROCESS = 5
const SEED_LIFE_MS = 60_000
const ONE_VIEW_MS = 30_000

interface Group {
  process: MeshProcess
  models: string[]
  peers: StartedPeer[]
}

describe('Peers without a seed', function () {
  this.timeout(600_000)
  const clock = systemClock()
  const random = new SeededRandom(5)
  const groups: Group[] = []
  let seed: Seed

  after(async () => {
    await seed?.stop()
    await Promise.all(groups.map(async ({ process }) => { await process.kill() }))
  })

  const startGroup = async (bootstrapOf: () => string[]): Promise<void> => {
    const number = groups.length
    const models = Array.from({ length: PEERS_PER_PROCESS }, (_, i) => `model-${number}-${i}`)
    const group: Group = { process: new MeshProcess(), models, peers: [] }
    groups.push(group)
    group.peers = await group.process.start(models, models.map(bootstrapOf))
  }

  /** Waits until nobody is connected to the dead and all others hang together, by their connections and by their views if wanted; says how long it took. */
  const oneView = async (by: Array<'connected' | 'view'>, dead = new Set<string>()): Promise<number> => {
    const startMs = clock.nowMs()
    for (;;) {
      const links = await allLinks(groups)
      const parts = by.map(kind => islands(links, kind).length)
      const holdsOn = links.filter(({ connected }) => connected.some(peer => dead.has(peer))).length
      const tookMs = Math.round(clock.nowMs() - startMs)
      if (holdsOn === 0 && parts.every(count => count === 1)) {
        return tookMs
      }
      if (tookMs > ONE_VIEW_MS) {
        throw new Error(`After ${tookMs} ms there are ${parts.join(' and ')} parts, and ${holdsOn} peers are connected to dead ones`)
      }
      await sleep(clock, 500)
    }
  }

  const missing = async (models: string[]): Promise<string[]> =>
    (await Promise.all(groups.map(async ({ process }) => await process.find(models, 10_000)))).flat(2)

  it('know each other when the seed stops after a minute', async () => {
    seed = await createSeed({ listen: ['/ip4/127.0.0.1/tcp/0'] })
    for (let i = 0; i < 6; i += 2) {
      await Promise.all([startGroup(() => seed.addresses), startGroup(() => seed.addresses)])
    }
    await sleep(clock, SEED_LIFE_MS)
    await seed.stop()
    await oneView(['connected'])
  })

  it('are joined by twenty more through peers that these were given', async () => {
    const known = groups.flatMap(({ peers }) => peers)
    const given = (): string[] => drawn(known, 2, random).flatMap(({ addresses }) => addresses)
    for (let i = 0; i < 4; i += 2) {
      await Promise.all([startGroup(given), startGroup(given)])
    }
    const peers = groups.flatMap(group => group.peers)
    expect(peers).to.have.length(50)
    await oneView(['connected', 'view'])
  })

  it('find a model that any other serves', async () => {
    // a fifth of all pairs, of every peer and every model: all of them pass too, and take five times as long
    const models = groups.flatMap(group => group.models)
    const lost = await Promise.all(groups.map(async ({ process }, i) => await process.find(models.filter((_, j) => j % 5 === i % 5), 10_000)))
    expect(lost.flat(2)).to.eql([])
  })

  it('are one connected view again within 30 s when 30 % are killed at once', async () => {
    const killed = groups.splice(0, 2).concat(groups.splice(-1))
    await Promise.all(killed.map(async ({ process }) => { await process.kill() }))
    const dead = new Set(killed.flatMap(({ peers }) => peers.map(({ id }) => id)))
    const tookMs = await oneView(['connected', 'view'], dead)
    console.log(`      one view ${tookMs} ms after ${dead.size} of 50 were killed`)
    expect(dead.size).to.equal(15)
    const models = drawn(groups.flatMap(group => group.models), 10, random)
    expect(await missing(models)).to.eql([])
  })
})

function drawn<T> (from: T[], count: number, random: Random): T[] {
  return shuffle(random, [...from]).slice(0, count)
}

async function allLinks (groups: Group[]): Promise<PeerLinks[]> {
  return (await Promise.all(groups.map(async ({ process }) => await process.links()))).flat()
}

/** The parts that are not connected with each other; by views, a peer is connected with those in its view. */
function islands (links: PeerLinks[], by: 'connected' | 'view'): string[][] {
  const neighbours = new Map(links.map(({ id }) => [id, new Set<string>()]))
  for (const link of links) {
    for (const peer of link[by]) {
      if (neighbours.has(peer)) {
        neighbours.get(link.id)?.add(peer)
        neighbours.get(peer)?.add(link.id)
      }
    }
  }
  const found: string[][] = []
  const seen = new Set<string>()
  for (const start of neighbours.keys()) {
    const island: string[] = []
    const next = seen.has(start) ? [] : [start]
    seen.add(start)
    for (let peer = next.pop(); peer !== undefined; peer = next.pop()) {
      island.push(peer)
      for (const neighbour of neighbours.get(peer) ?? []) {
        if (!seen.has(neighbour)) {
          seen.add(neighbour)
          next.push(neighbour)
        }
      }
    }
    if (island.length > 0) {
      found.push(island)
    }
  }
  return found
}
