import { shortfalls } from '@skein/supernode'
import { expect } from 'chai'
import { honestCandidates, runFailover, seatTurnover, sybilCandidates } from '../../src/index.ts'
import type { FailoverInit, SeatDraw } from '../../src/index.ts'

const STREAM = 9000
const candidates = honestCandidates({ count: 200, systems: 100, meanAgeDays: 30 }, 1, STREAM)
const FAILOVER: FailoverInit = { clients: 100, superNodes: 8, systems: 4, capacity: 100, death: 'killed', seed: 1, stream: STREAM }

describe('Simulated super-nodes', () => {
  it('have candidates that may be elected, honest ones and the attacker\'s', () => {
    const sybils = sybilCandidates({
      count: 50, smallNetworks: 50, wideNetworks: 10, systems: 5, ageDays: 8, reputation: 1, bytesPerSecond: 1e7
    }, 1)
    for (const candidate of [...candidates, ...sybils]) {
      expect(shortfalls(candidate)).to.deep.equal([])
    }
    expect(new Set(sybils.map(({ networks: [network] }) => network?.system)).size).to.equal(5)
  })

  it('keep all seats while nobody goes and nothing is drawn again', () => {
    const turnover = (draw: SeatDraw) => seatTurnover({
      candidates, peers: 1000, draw, terms: 10, onlineMs: 1e15, offlineMs: 1, noise: 0, seed: 1, stream: STREAM
    })
    const midnight = turnover('midnight')
    expect([...midnight.gone]).to.deep.equal(new Array(9).fill(0))
    expect(Math.max(...midnight.changed)).to.be.at.most(0.05) // incumbents come to count 1.25 times
    expect(Math.min(...turnover('term').changed)).to.be.above(0.4)
  })

  it('lose seats to others as fast as their holders go', () => {
    const { gone, changed } = seatTurnover({
      candidates, peers: 1000, draw: 'midnight', terms: 40, onlineMs: 6_000_000, offlineMs: 6_000_000, noise: 0, seed: 1, stream: STREAM
    })
    const sum = (values: Float64Array): number => values.reduce((a, b) => a + b, 0)
    expect(sum(gone) / 39).to.be.within(0.05, 0.13) // a term of ten minutes of a hundred
    expect(sum(changed)).to.be.at.least(sum(gone))
  })

  it('are left by all clients when they die', () => {
    for (const death of ['killed', 'silent'] as const) {
      const { movedMs, withSecond } = runFailover({ ...FAILOVER, death })
      expect(movedMs.length).to.be.above(5)
      expect(withSecond).to.equal(movedMs.length)
      expect(Math.max(...movedMs)).to.be.at.most(5000)
      expect(Math.min(...movedMs)).to.be.above(0)
    }
  })

  it('keep clients that have nowhere to go', () => {
    const { movedMs } = runFailover({ ...FAILOVER, superNodes: 1, systems: 1 })
    expect(movedMs).to.have.length(100)
    expect(Math.min(...movedMs)).to.equal(Infinity)
  })

  it('come out the same for the same seed, and not for another', () => {
    expect(runFailover(FAILOVER)).to.deep.equal(runFailover(FAILOVER))
    expect(runFailover({ ...FAILOVER, seed: 2 })).not.to.deep.equal(runFailover(FAILOVER))
  })
})
