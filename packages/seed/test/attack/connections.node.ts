import { expect } from 'chai'
import { attack, AttackedSeed } from './attacked-seed.ts'
import { expectInTime, honestJoins } from './honest-peer.ts'
import type { AttackReport } from './attacker-process.ts'
import type { SeedFiguresMessage } from './attacked-seed.ts'

const MIB = 1024 * 1024

interface Siege {
  joinsMs: number[]
  report: AttackReport
  figures: SeedFiguresMessage
  grownBytes: number
}

describe('a seed under attack', function () {
  this.timeout(60_000)
  let seed: AttackedSeed

  beforeEach(async () => { seed = await AttackedSeed.start() })
  afterEach(async () => { await seed.stop() })

  /** Honest peers join while the attack rages. Prints what came of it. */
  async function siege (name: string, joins = 5): Promise<Siege> {
    const [, calmBeforeMs = 0] = await honestJoins(seed, 2) // what is made at the first join is no growth
    const before = await seed.figures()
    const { raging, report } = attack(name, seed.target)
    await raging
    const joinsMs = await honestJoins(seed, joins)
    const ended = await report
    const figures = await seed.figures()
    const grownBytes = figures.peakBytes - before.rssBytes
    const joinsText = joinsMs.map(ms => ms.toFixed(0)).join(', ')
    console.log(`      ${name}: honest joins ${joinsText} ms; RSS +${(grownBytes / MIB).toFixed(0)} MiB at most; ${JSON.stringify(ended)}`)
    console.log(`      ${JSON.stringify({ ...figures.inbound, requests: figures.counters.refused })}`)
    expect(seed.isAlive).to.equal(true)
    expectInTime(joinsMs, [calmBeforeMs, ...await honestJoins(seed, 1)])
    return { joinsMs, report: ended, figures, grownBytes }
  }

  it('by 10,000 dials refuses them by address and network, and takes honest peers', async () => {
    const { report, figures, grownBytes } = await siege('flood')
    expect(report.dials).to.equal(10_000)
    expect(report.stillOpen).to.be.at.most(64)
    const { refused, admitted } = figures.inbound
    const refusals = Object.values(refused).reduce((sum, count) => sum + count, 0)
    expect(refusals + admitted).to.be.at.least(10_000)
    // 64 at once and 8 a second; an attack of some seconds
    expect(admitted).to.be.below(64 + 8 * 40 + 20)
    expect(refused.network).to.be.above(0)
    expect(await seed.metric('skein_seed_connections_refused_total', 'port="mesh",reason="network"')).to.equal(refused.network)
    expect(grownBytes).to.be.below(150 * MIB)
  })

  it('by 2,000 sockets that stay half open closes each of them after ten seconds', async () => {
    const { report, figures, grownBytes } = await siege('slowloris', 8)
    expect(report).to.include({ connected: 2_000, closed: 2_000 })
    // some more where the attack and the seed share two cores
    expect(report.longestMs).to.be.below(15_000)
    expect(report.heldOpen).to.be.above(250)
    expect(figures.inbound.givenUp.handshake_timeout).to.be.above(100)
    expect(figures.inbound.refused.pending).to.be.above(0)
    expect(await seed.metric('skein_seed_connections_ended_total', 'port="http",reason="handshake_timeout"')).to.be.above(100)
    expect(grownBytes).to.be.below(150 * MIB)
  })

  it('by streams that are opened and reset in a loop ends the connection', async () => {
    const { report, figures, grownBytes } = await siege('streamSpam')
    expect(report.ended).to.be.above(0)
    expect(figures.inbound.streamsReset.rate).to.be.above(100)
    expect(figures.inbound.ended.streams).to.be.at.least(report.ended as number)
    expect(await seed.metric('skein_seed_connections_ended_total', 'port="mesh",reason="streams"')).to.equal(figures.inbound.ended.streams)
    expect(grownBytes).to.be.below(150 * MIB)
  })

  it('by 1,008 streams that say nothing resets each of them after 10 s', async () => {
    const { report, figures, grownBytes } = await siege('streamHoard')
    expect(report.most).to.be.above(800)
    expect(report.left).to.equal(0)
    expect(figures.inbound.streamsReset.first_frame).to.be.above(100)
    expect(grownBytes).to.be.below(150 * MIB)
  })

  it('by lengths of a gigabyte collects none of them', async () => {
    const { report, figures, grownBytes } = await siege('oversize')
    expect(report.sockets).to.equal(32)
    expect(report.resets).to.equal(6)
    expect((figures.inbound.faults.oversize ?? 0) + (figures.inbound.faults.malformed ?? 0)).to.be.at.least(4)
    expect(grownBytes).to.be.below(150 * MIB)
  })

  it('by length prefixes that do not end reads a few bytes of them', async () => {
    const { report, figures, grownBytes } = await siege('endlessPrefixes')
    expect(report.sockets).to.be.above(10)
    expect(report.streams).to.be.above(1)
    expect(figures.inbound.faults.malformed).to.be.above(10)
    expect(grownBytes).to.be.below(150 * MIB)
  })
})
