import { expect } from 'chai'
import { deviceSessions, FIGURES, LADDER, rungOf, scaleFigures } from '../../src/index.ts'
import type { ScaleFigures, SeedPlan } from '../../src/index.ts'

const stays: SeedPlan = { peers: 20, models: 50, renewAfterMs: 0, letsGo: false, discover: 'nearest-region-first' }
const goes: SeedPlan = { peers: 20, models: 0, renewAfterMs: 20_000_000, letsGo: true, discover: 'none' }

const churn = deviceSessions(1)

function figures (nodes: number, { stage = 'split', plan = stays, trafficPrice = 0.02, providers = 3 } = {}): ScaleFigures {
  return scaleFigures({
    nodes, stage, plan, lastPlan: goes, seed: 1, streams: { sessions: 900, questions: 901 }, lookups: 100, churn,
    questions: 6, models: 0.3, answerBytes: 7_000, seedsOfDevice: 2, hours: 2, sample: 500,
    clusterSize: 1_024, siblings: 32, digestBytes: 96, digestEveryS: 120, level: 'birthday', providers, punchSuccess: 0.7,
    seedPrice: 5, trafficPrice, sharedMemoryPrice: 15
  })
}

function judgement (of: ScaleFigures, says: string): { verdict: string, because: string, found: string } {
  return rungOf(of.nodes).claims.find(claim => claim.says.includes(says))!.judge(of)
}

describe('the claims of the roadmap', () => {
  it('are on a rung for each power of ten, and each is judged', () => {
    expect(LADDER.map(({ nodes }) => nodes)).to.deep.equal([1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10])
    for (const { nodes, claims } of LADDER) {
      const found = figures(nodes)
      for (const { figure, judge } of claims) {
        const { found: text, because, verdict } = judge(found)
        expect(FIGURES).to.include(figure)
        expect(['holds', 'fails', 'depends']).to.include(verdict)
        expect(`${text}${because}`).to.match(/\S/).and.not.match(/NaN|Infinity|undefined/)
        expect(Math.max(text.length, because.length)).to.be.at.most(200)
      }
    }
  })

  it('are those of the rung that is nearest', () => {
    expect([1e3, 3e3, 4e3, 2e6, 1e10].map(nodes => rungOf(nodes).name)).to.deep.equal(['1K', '1K', '10K', '1M', '10B'])
  })

  it('do not hold at 1M devices while all are connected: 500 seeds', () => {
    const found = figures(1e6)
    expect(found.demand.seeds).to.equal(500)
    expect(judgement(found, 'costs $50')).to.include({ verdict: 'fails' })
    expect(judgement(found, 'costs $50').because).to.include('2M connections')
  })

  it('depend on the stage at 1M where traffic is cheap', () => {
    expect(judgement(figures(1e6, { trafficPrice: 0.001 }), 'costs $50')).to.include({ verdict: 'depends' })
    expect(judgement(figures(1e6, { stage: 'bootstrap', plan: goes, trafficPrice: 0.001 }), 'costs $50')).to.include({ verdict: 'holds' })
  })

  it('depend on a choice among providers and the mix of NATs at 100K', () => {
    expect(judgement(figures(1e5), 'less than 5 %').verdict).to.equal('depends')
    expect(judgement(figures(1e5, { providers: 1 }), 'less than 5 %').verdict).to.equal('fails')
    expect(judgement(figures(1e5, { providers: 8 }), 'less than 5 %').verdict).to.equal('holds')
  })
})
