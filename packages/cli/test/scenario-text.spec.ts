import { expect } from 'chai'
import { summaryText } from '../src/scenario-text.ts'
import type { Summary } from '@skein/simulator/run'

describe('the summary of a simulation', () => {
  const point = { metrics: {}, checks: [], failed: 0 }
  const summary: Summary = { scenario: 's', version: '1', options: {}, seed: 1, runs: 1, complete: true, points: [] }

  it('has tables under their names, with long cells over several lines', () => {
    const rows = [['lookup', 'holds', `${'five hops at most '.repeat(4)}`], ['cost', 'fails', '$3182']]
    const text = summaryText({ ...summary, points: [{ ...point, point: { nodes: 1e6 }, tables: [{ name: 'what it says', columns: ['figure', 'verdict', 'found'], rows }] }] })
    expect(text).to.equal(`
what it says: nodes=1M
  figure  verdict  found
  lookup  holds    five hops at most five hops at most
                   five hops at most five hops at most
  cost    fails    $3182`)
  })

  it('has twenty tables at most', () => {
    const table = { name: 't', columns: ['x'], rows: [] }
    const text = summaryText({ ...summary, points: Array.from({ length: 25 }, (_, nodes) => ({ ...point, point: { nodes }, tables: [table] })) })
    expect(text.match(/^t: nodes=/gm)).to.have.length(20)
    expect(text).to.include('… 5 tables more in the report')
  })
})
