/**
 * Twenty nodes, three of them liars: one claims a hundred times its bandwidth and speed, one leaves the end of its answers out, one forges receipts.
 * Who calls and who elects finds them out by itself. Then one that was elected is killed.
 */
import { createPeer } from '@skein/peer'
import { createSeed } from '@skein/seed'
import { expect } from 'chai'
import { loopbackHost, loopbackNetworks } from '../../src/index.ts'
import { askMany, MODEL, serveModel } from './answers.ts'
import { VolunteerProcess } from './volunteer-process.ts'
import type { Peer } from '@skein/peer'
import type { Seed } from '@skein/seed'
import type { Called, Conduct } from './answers.ts'
import type { VolunteerView } from './volunteer-process.ts'

const networkOf = loopbackNetworks()
const CONDUCTS: Conduct[] = ['honest', 'honest', 'honest', 'honest', 'honest', 'honest', 'boasts', 'truncates', 'forges']
const PROVIDERS = 4
const CLIENTS = 6
/** Of each caller */
const REQUESTS = 200
const ROUND = 50
const CALLERS = 2

async function until (what: string, limitMs: number, holds: () => Promise<boolean> | boolean): Promise<number> {
  const startMs = performance.now()
  while (!await holds()) {
    if (performance.now() - startMs > limitMs) {
      throw new Error(`It did not come to pass in ${limitMs} ms that ${what}`)
    }
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  return Math.round(performance.now() - startMs)
}

describe('Twenty nodes, three of them liars', function () {
  this.timeout(600_000)
  let seed: Seed
  let volunteers: VolunteerProcess[] = []
  const peers: Peer[] = []
  const clients = (): Peer[] => peers.slice(PROVIDERS)
  const liars = (): string[] => volunteers.filter(({ conduct }) => conduct !== 'honest').map(({ id }) => id)
  const honest = (): VolunteerProcess[] => volunteers.filter(({ conduct }) => conduct === 'honest')
  const nameOf = (peer: string | undefined): string => volunteers.find(({ id }) => id === peer)?.conduct ?? (peer === undefined ? 'nobody' : 'a provider')
  const views = async (): Promise<VolunteerView[]> => await Promise.all(honest().map(async volunteer => await volunteer.view()))

  before(async () => {
    seed = await createSeed({ ...loopbackHost('127.1.0.1'), networkOf, trustedNetworks: ['127.0.0.0/8'], roles: ['discover', 'bootstrap', 'signal'] })
    const bootstrap = seed.addresses
    volunteers = await Promise.all(CONDUCTS.map(async (conduct, i) => await VolunteerProcess.start({ octet: 11 + i, conduct, bootstrap })))
    const ms = await until('some are elected', 120_000, async () => (await views()).every(({ elected }) => elected.length === 3))
    const [{ elected = [] } = {}] = await views()
    console.log(`      the first are elected after ${ms} ms: ${elected.map(nameOf).join(', ')}`)
    for (let i = 0; i < PROVIDERS; i++) {
      const provider = await createPeer({ ...loopbackHost(`127.${31 + i}.0.1`), networkOf, region: 'eu-west', bootstrap })
      await serveModel(provider, 'honest')
      peers.push(provider)
    }
    // nobody can dial these: they use super-nodes
    for (let i = 0; i < CLIENTS; i++) {
      const { transports } = loopbackHost(`127.${41 + i}.0.1`)
      peers.push(await createPeer({
        listen: [],
        transports,
        networkOf,
        region: 'eu-west',
        bootstrap,
        superNodes: { poll: { firstMs: 500, minPauseMs: 1_000, refreshMs: 2_000 } }
      }))
    }
  })

  after(async () => {
    await Promise.all(peers.map(async peer => { await peer.stop() }))
    await Promise.all(volunteers.map(async volunteer => { await volunteer.kill() }))
    await seed?.stop()
  })

  it('choose and elect none of the three, once each of those who call has made 200 requests', async () => {
    const callers = clients().slice(0, CALLERS)
    const providersOf = async (): Promise<number[]> => await Promise.all([
      ...callers.map(async caller => (await caller.explain(MODEL)).providers.length),
      ...honest().map(async volunteer => (await volunteer.view()).providers.length)
    ])
    await until('all know all providers', 180_000, async () => (await providersOf()).every(count => count === PROVIDERS + liars().length))
    const called: Called[][] = [...callers, ...honest()].map(() => [])
    for (let round = 0; round < REQUESTS / ROUND; round++) {
      await Promise.all([
        ...callers.map(async (caller, i) => { called[i]?.push(await askMany(caller, ROUND, round * ROUND)) }),
        ...honest().map(async (volunteer, i) => { called[CALLERS + i]?.push(await volunteer.ask(ROUND, round * ROUND)) })
      ])
      await volunteers.find(({ conduct }) => conduct === 'forges')?.forge()
      const answered = called.map(rounds => rounds.at(-1) as Called)
      const counts = Object.groupBy(answered.flatMap(({ answeredBy }) => answeredBy), nameOf)
      console.log(`      requests ${round * ROUND + 1} to ${(round + 1) * ROUND} of each: ` +
        Object.entries(counts).map(([name, all]) => `${name} ${all?.length}`).join(', ') + `; wrong ${answered.reduce((sum, { wrong }) => sum + wrong, 0)}`)
    }
    const last = called.flatMap(rounds => rounds.at(-1)?.answeredBy ?? [])
    expect(last.filter(peer => peer === undefined), 'unanswered').to.deep.equal([])

    expect(last.map(nameOf).filter(name => name !== 'a provider'), 'liars asked in the last round').to.deep.equal([])

    for (const caller of callers) {
      const { providers } = await caller.explain(MODEL)
      console.log(`      ${providers.map(({ peer, costMs }) => `${nameOf(peer)} ${Math.round(costMs ?? 0)}`).join(', ')}`)
      // one that a caller never asked stands where a newcomer stands, which may be second
      expect(nameOf(providers[0]?.peer), 'the one that a caller would ask first').to.equal('a provider')
    }
    await until('three are elected, and none of the liars by anybody honest', 180_000, async () => (await views()).every(({ elected }) =>
      elected.length === 3 && !elected.some(peer => liars().includes(peer))))
    for (const { elected, refusals, providers } of await views()) {
      expect(elected.map(nameOf)).to.deep.equal(['honest', 'honest', 'honest'])
      expect(liars()).to.not.include(providers[0])
      console.log(`      ${liars().map(peer => `${nameOf(peer)}: ${refusals[peer]?.join(', ')}`).join('; ')}`)
    }
  })

  it('replace one that was elected and killed, and its clients move', async () => {
    const used = (client: Peer): string[] => client.superNodes.map(({ peer }) => peer)
    // one that had a seat before it was found out is left when its lease ends
    await until('all clients use two super-nodes, and none of the liars', 180_000, () =>
      clients().every(client => used(client).length >= 2) && !clients().flatMap(used).some(peer => liars().includes(peer)))
    const [{ elected = [] } = {}] = await views()
    const killed = volunteers.find(({ id }) => elected[0] === id) as VolunteerProcess
    const users = clients().filter(client => client.superNodes[0]?.peer === killed.id)
    const moves: number[] = []
    for (const client of clients()) {
      client.addEventListener('super-node:moved', ({ detail }) => { moves.push(Math.round(detail.afterMs)) })
    }
    volunteers = volunteers.filter(({ id }) => id !== killed.id)
    await killed.kill()

    const movedMs = await until('no client uses it', 30_000, () => clients().every(client => !used(client).includes(killed.id)))
    console.log(`      all clients have left it after ${movedMs} ms; ${users.length} had it first, gaps ${moves.join(', ')} ms`)
    const replacedMs = await until('another is elected', 180_000, async () => (await views()).every(({ elected }) =>
      elected.length === 3 && !elected.includes(killed.id) && !elected.some(peer => liars().includes(peer))))
    console.log(`      replaced after ${replacedMs} ms`)
    await until('all clients use two super-nodes again', 180_000, () => clients().every(client => used(client).length >= 2))
    const { answeredBy } = await askMany(clients()[0] as Peer, 10, REQUESTS)
    expect(answeredBy.filter(peer => peer === undefined)).to.deep.equal([])
  })
})
