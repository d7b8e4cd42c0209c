import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { puzzleWindow, solvePuzzle } from '@skein/records/puzzle'
import { expect } from 'chai'
import { askSeed } from '../../../peer/src/seed-client.ts'
import { puzzleRule, stakeRule, tokenRule } from '../../src/index.ts'
import { AdmittedWorld, identity, token, until } from './admitted-world.ts'
import type { Libp2p } from '@libp2p/interface'
import type { Peer } from '@skein/peer'
import type { SeedProof } from '@skein/records'
import type { Seed, Stake } from '../../src/index.ts'
import type { Identity } from './admitted-world.ts'

/** A quarter of the work that is asked for by default. */
const EASY = puzzleRule({ bits: 0 })

describe('a seed with a policy of admission', function () {
  this.timeout(60_000)
  const world = new AdmittedWorld()
  let authority: Identity

  beforeEach(async () => { authority = await identity() })
  afterEach(async () => { await world.stop() })

  /** What the seed says to a registration that shows this. */
  async function present (seed: Seed, from: Peer | Libp2p, proofs: SeedProof[], signed?: Uint8Array<ArrayBuffer>): Promise<string> {
    const libp2p = 'libp2p' in from ? from.libp2p : from
    const capabilities = signed ?? Uint8Array.from((await (from as Peer).signSelf()).envelope)
    const { refusal } = await askSeed({ libp2p, clock: world.clock, seed: seed.peer.libp2p.peerId, capabilities, proofs })
    return refusal === undefined ? 'registered' : refusal.unmet.map(({ rule, problem }) => `${rule} ${problem}`).join()
  }

  describe('that asks for a puzzle', () => {
    it('lets in a peer that solves it, which keeps the solution for its next start', async () => {
      const dataDir = await mkdtemp(join(tmpdir(), 'skein-puzzle-'))
      try {
        const seed = await world.seed('puzzle', [EASY])
        const first = await world.visit(seed, { dataDir })
        await world.registered(seed, first.peer.id)
        expect(first.refusals.map(({ reason, remedy }) => `${reason} ${remedy}`)).to.deep.equal(['not_admitted puzzle'])
        await until(() => first.peer.refusals.length === 0)
        const path = join(dataDir, 'puzzle.solution')
        await until(async () => await stat(path).then(() => true, () => false))
        const solution = await readFile(path)
        await first.peer.stop()

        const tries: number[] = []
        const again = await world.visit(seed, { dataDir })
        again.peer.addEventListener('puzzle:progress', ({ detail }) => { tries.push(detail.tries) })
        await world.registered(seed, again.peer.id)
        expect(tries).to.deep.equal([])
        expect((await readFile(path)).equals(solution)).to.equal(true)
      } finally {
        await rm(dataDir, { recursive: true })
      }
    })

    it('keeps out one that does no work, and tells it why', async () => {
      const seed = await world.seed('puzzle', [EASY])
      const { peer, refusals } = await world.visit(seed, { puzzle: false })
      await until(() => refusals.length > 0)
      const [refusal] = peer.refusals
      expect(refusal).to.deep.include({ seed: seed.id, reason: 'not_admitted', remedy: undefined })
      expect(refusal?.unmet).to.deep.equal([
        { rule: 'puzzle', problem: 'missing', message: 'Solve the puzzle of your peer id; a Skein peer does so by itself', where: '', puzzleBits: 0 }
      ])
      expect(await world.isRegistered(seed, peer.id)).to.equal(false)
      expect(seed.service.counters.refused.not_admitted).to.be.above(0)
    })

    it('keeps out one that shows another peer\'s solution, one that was changed, and one of a time that is over', async () => {
      const seed = await world.seed('puzzle', [EASY])
      const { peer } = await world.visit(seed, { puzzle: false })
      const other = await identity()
      const nowMs = Date.now()
      const [own, others, old] = [solve(peer.id, nowMs), solve(other.id, nowMs), solve(peer.id, nowMs - 90 * 86_400_000)]
      const changed = Uint8Array.from(own)
      changed.copyWithin(8, 12, 16)
      expect(await present(seed, peer, [{ rule: 'puzzle', parts: [others] }])).to.equal('puzzle invalid')
      expect(await present(seed, peer, [{ rule: 'puzzle', parts: [changed] }])).to.equal('puzzle invalid')
      expect(await present(seed, peer, [{ rule: 'puzzle', parts: [new Uint8Array(3)] }])).to.equal('puzzle invalid')
      expect(await present(seed, peer, [{ rule: 'puzzle', parts: [old] }])).to.equal('puzzle expired')
      expect(await present(seed, peer, [{ rule: 'puzzle', parts: [own] }])).to.equal('registered')
    })

    it('runs through a flood of 1,000 registrations without work, and lets in one who has worked meanwhile', async () => {
      const seed = await world.seed('puzzle', [EASY])
      const worker = await identity()
      const solution = solve(worker.id, Date.now())
      const flood = await Promise.all(Array.from({ length: 50 }, async () => await world.bareNode(seed)))
      const cpu = process.cpuUsage()
      const answers = Promise.all(flood.map(async libp2p => {
        const said: string[] = []
        // as many as one peer may ask at once
        for (let i = 0; i < 20; i++) {
          said.push(await present(seed, libp2p, [], new Uint8Array(400)))
        }
        return said
      }))
      const { peer } = await world.visit(seed, {
        privateKey: worker.privateKey, puzzle: { store: { load: async () => solution, save: async () => {} } }
      })
      await world.registered(seed, peer.id)
      expect([...new Set((await answers).flat())]).to.deep.equal(['puzzle missing'])
      const { user, system } = process.cpuUsage(cpu)
      expect(seed.service.counters.refused.not_admitted).to.be.within(1_000, 1_002)
      expect(seed.service.registry.size).to.equal(1)
      console.log(`      1,000 refusals: ${Math.round((user + system) / 1_000)} ms of CPU for the seed and those that ask, streams included`)
    })
  })

  describe('that asks for a token', () => {
    it('lets in a peer that an authority vouches for, which shows it to a seed that asks and to no other', async () => {
      const seed = await world.seed('token', [tokenRule({ authorities: [authority.id] })])
      const { id, privateKey } = await identity()
      const { credentials } = await token(authority, id)
      const { peer, refusals } = await world.visit(seed, { privateKey, credentials })
      await world.registered(seed, peer.id)
      expect(refusals.map(({ remedy }) => remedy)).to.deep.equal(['credentials'])
    })

    it('keeps out one without, and tells it where to get one', async () => {
      const seed = await world.seed('token', [tokenRule({ authorities: [authority.id], where: 'https://example.org/join' })])
      const { peer, refusals } = await world.visit(seed)
      await until(() => refusals.length > 0)
      expect(refusals[0]?.unmet.map(({ rule, problem, where }) => [rule, problem, where]))
        .to.deep.equal([['token', 'missing', 'https://example.org/join']])
      expect(await world.isRegistered(seed, peer.id)).to.equal(false)
    })

    it('keeps out one with another\'s token, an expired one, or one of somebody who does not vouch here', async () => {
      const seed = await world.seed('token', [tokenRule({ authorities: [authority.id] })])
      const { peer } = await world.visit(seed)
      const shown = async (envelope: Uint8Array<ArrayBuffer>): Promise<string> => await present(seed, peer, [{ rule: 'token', parts: [envelope] }])
      expect(await shown((await token(authority, (await identity()).id)).envelope)).to.equal('token invalid')
      expect(await shown((await token(authority, peer.id, { ageMs: 60_000, lifeMs: 30_000 })).envelope)).to.equal('token expired')
      expect(await shown((await token(await identity(), peer.id)).envelope)).to.equal('token unknown_authority')
      const { envelope } = await token(authority, peer.id)
      envelope[envelope.length - 1]! ^= 1
      expect(await shown(envelope)).to.equal('token invalid')
    })

    it('drops a registered peer whose token is revoked: its registration, its reservation, its connection', async () => {
      const revoked = new Set<string>()
      const rule = tokenRule({ authorities: [authority.id], isRevoked: id => revoked.has(id) })
      const seed = await world.seed('token', [rule], { roles: ['discover', 'relay'] })
      const [bad, good] = [await identity(), await identity()]
      const badToken = await token(authority, bad.id)
      const one = await world.visit(seed, { privateKey: bad.privateKey, credentials: badToken.credentials })
      const other = await world.visit(seed, { privateKey: good.privateKey, credentials: (await token(authority, good.id)).credentials })
      await Promise.all([one, other].map(async ({ peer }) => { await world.registered(seed, peer.id) }))
      await Promise.all([one, other].map(async ({ peer }) => await peer.reserveRelay()))
      expect(seed.relay?.ledger.reserved).to.equal(2)

      revoked.add(badToken.id)
      const gone = new Promise(resolve => { one.peer.addEventListener('peer:disconnected', resolve) })
      await seed.admission?.recheck()
      await gone
      await until(() => seed.relay?.ledger.reserved === 1)
      expect(await world.isRegistered(seed, bad.id)).to.equal(false)
      expect(await world.isRegistered(seed, good.id)).to.equal(true)
      expect(seed.admission?.counters.dropped).to.deep.equal({ revoked: 1 })
      // it comes again, and is told
      await until(() => one.refusals.some(({ unmet }) => unmet[0]?.problem === 'revoked'))
      expect(seed.relay?.ledger.reserved).to.equal(1)
    })

    it('drops a registered peer when its token expires', async () => {
      const seed = await world.seed('token', [tokenRule({ authorities: [authority.id] })])
      const { id, privateKey } = await identity()
      const { peer } = await world.visit(seed, { privateKey, credentials: (await token(authority, id, { lifeMs: 3_000 })).credentials })
      await world.registered(seed, peer.id)
      await until(async () => !await world.isRegistered(seed, id))
      expect(seed.admission?.counters.dropped).to.deep.equal({ expired: 1 })
    })

    it('refuses a reservation to a peer that is not admitted', async () => {
      const seed = await world.seed('token', [tokenRule({ authorities: [authority.id] })], { roles: ['discover', 'relay'] })
      const { peer, refusals } = await world.visit(seed)
      await until(() => refusals.length > 0)
      const { relays } = peer.libp2p.services
      const addresses = seed.addresses.map(address => address.replace(/\/p2p\/.*/, ''))
      const failure = await relays?.reserve({ peer: seed.id, addresses }, AbortSignal.timeout(5_000)).then(() => undefined, (error: Error) => error)
      expect(failure?.message).to.match(/PERMISSION_DENIED|202/)
      expect(seed.relay?.ledger.counters.refused).to.deep.equal({ not_admitted: 1 })
    })
  })

  describe('that asks for a stake', () => {
    it('lets in a peer for which enough is staked, and keeps out one with too little, in another unit, or none', async () => {
      const stakes = new Map<string, Stake>()
      const untilMs = Date.now() + 86_400_000
      const seed = await world.seed('stake', [stakeRule({ book: { stakeOf: async peer => stakes.get(peer) }, minStake: 50, unit: 'EUR' })])
      const { peer } = await world.visit(seed)
      expect(await present(seed, peer, [])).to.equal('stake missing')
      stakes.set(peer.id, { amount: 49, unit: 'EUR', untilMs })
      expect(await present(seed, peer, [])).to.equal('stake too_little')
      stakes.set(peer.id, { amount: 50, unit: 'sats', untilMs })
      expect(await present(seed, peer, [])).to.equal('stake missing')
      stakes.set(peer.id, { amount: 50, unit: 'EUR', untilMs: 1 })
      expect(await present(seed, peer, [])).to.equal('stake expired')
      stakes.set(peer.id, { amount: 50, unit: 'EUR', untilMs })
      expect(await present(seed, peer, [])).to.equal('registered')
      stakes.delete(peer.id)
      await seed.admission?.recheck()
      await until(async () => !await world.isRegistered(seed, peer.id))
    })

    it('does not drop anybody because the book of stakes cannot tell, but lets nobody new in', async () => {
      let book: Stake | Error = { amount: 50, unit: 'EUR', untilMs: Date.now() + 86_400_000 }
      const stakeOf = async (): Promise<Stake> => { if (book instanceof Error) { throw book } return book }
      const seed = await world.seed('stake', [stakeRule({ book: { stakeOf }, minStake: 50, unit: 'EUR' })])
      const { peer } = await world.visit(seed)
      await world.registered(seed, peer.id)
      book = new Error('away')
      await seed.admission?.recheck()
      expect(await world.isRegistered(seed, peer.id)).to.equal(true)
      const { refusals } = await world.visit(seed)
      await until(() => refusals.length > 0)
      expect(refusals[0]?.unmet[0]?.problem).to.equal('unavailable')
    })
  })

  it('that asks for a token or a puzzle takes a token without work, and work without a token', async () => {
    const seed = await world.seed('token or puzzle', [EASY, tokenRule({ authorities: [authority.id] })])
    const { id, privateKey } = await identity()
    const vouched = await world.visit(seed, { privateKey, credentials: (await token(authority, id)).credentials })
    const worker = await world.visit(seed)
    await Promise.all([vouched, worker].map(async ({ peer }) => { await world.registered(seed, peer.id) }))
    expect(vouched.refusals.map(({ remedy }) => remedy)).to.deep.equal(['credentials'])
    expect(worker.refusals.map(({ remedy }) => remedy)).to.deep.equal(['puzzle'])
  })

  it('that asks for a token and a puzzle takes neither alone', async () => {
    const seed = await world.seed('token and puzzle', [EASY, tokenRule({ authorities: [authority.id] })])
    const [{ id, privateKey }, lazy] = [await identity(), await identity()]
    const both = await world.visit(seed, { privateKey, credentials: (await token(authority, id)).credentials })
    const idle = await world.visit(seed, {
      privateKey: lazy.privateKey, credentials: (await token(authority, lazy.id)).credentials, puzzle: false
    })
    const unvouched = await world.visit(seed)
    await world.registered(seed, both.peer.id)
    await until(() => idle.refusals.length > 1 && unvouched.refusals.length > 1)
    expect(both.refusals.map(({ remedy }) => remedy)).to.deep.equal(['credentials', 'puzzle'])
    expect(idle.refusals.at(-1)?.unmet.map(({ rule }) => rule)).to.deep.equal(['puzzle'])
    expect(unvouched.refusals.at(-1)?.unmet.map(({ rule }) => rule)).to.deep.equal(['token'])
    expect(seed.service.registry.size).to.equal(1)
  })
})

function solve (peer: string, nowMs: number): Uint8Array<ArrayBuffer> {
  const steps = solvePuzzle(peer, puzzleWindow(peer, nowMs), 0)
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) {
      return step.value
    }
  }
}
