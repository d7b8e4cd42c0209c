import { expect } from 'chai'
import { numberAxis, sweepAxis } from '../../src/report/axis.ts'
import { chart } from '../../src/report/chart.ts'
import { CurveSums } from '../../src/report/curve-sums.ts'
import { markup } from '../../src/report/markup.ts'
import { ciText, meanText, shortNumber } from '../../src/report/number-text.ts'
import { reportPage } from '../../src/report/report-page.ts'
import { makePlan } from '../../src/run/plan.ts'
import { summarize } from '../../src/run/summary.ts'
import { readGrid } from '../../src/scenario/option-grid.ts'
import coin from '../run/scenarios/coin.ts'
import type { Plan } from '../../src/run/plan.ts'
import type { CurveRow, ResultRow } from '../../src/run/result-row.ts'

function plan (sweep: Record<string, string[]>, runs: number): Plan {
  const file = { scenario: coin, source: 'coin', url: '', sha256: '0123456789abcdef' }
  return makePlan(file as unknown as Parameters<typeof makePlan>[0], readGrid(coin, { sweep }), { version: '1', seed: 1, runs })
}

async function * none (): AsyncGenerator<CurveRow> {
  yield * []
}

function rows (count: number): ResultRow[] {
  return Array.from({ length: count }, (_, job) => ({
    job, point: {}, run: job, seed: job, metrics: { heads: 0.4 + job / 100, runs: job * 1000 },
    checks: [{ claim: 'half & <half>', holds: job !== 1, found: `"${job}"` }]
  }))
}

describe('a report', () => {
  it('is one file: nothing in it comes from elsewhere, and no script runs', async () => {
    const one = plan({ coins: ['10', '1K'], bias: ['0.1', '0.5'] }, 2)
    const page = await reportPage(one, summarize(one, rows(8), 8), none())
    expect(page).to.not.match(/\b(src|href|srcset)=|url\(|@import|<script|<link|https?:/)
    expect(page).to.include('default-src \'none\'')
    expect(page).to.include('prefers-color-scheme:dark')
  })

  it('escapes what a scenario says', async () => {
    const one = plan({}, 3)
    const page = await reportPage(one, summarize(one, rows(3), 3), none())
    expect(page).to.include('Half of the coins show &lt;heads&gt;.').and.include('half &amp; &lt;half&gt;')
    expect(page).to.not.include('<heads>')
  })

  it('has a verdict for each claim, those that fail first, and names what is missing', async () => {
    const one = plan({ mode: ['well', 'refute'] }, 2)
    const page = await reportPage(one, summarize(one, rows(3), 4), none())
    expect(page.indexOf('>fails<')).to.be.within(1, page.indexOf('>holds<'))
    expect(page).to.include('Incomplete:').and.include('3 of 4 runs')
  })

  it('has the tables of the first run at each point, with what they judge', async () => {
    const one = plan({ mode: ['well', 'refute'] }, 2)
    const tables = [{ name: 'what <it> says', columns: ['figure', 'verdict'], rows: [['5 & 6', 'holds'], ['7', 'fails']] }]
    const page = await reportPage(one, summarize(one, rows(4).map(row => row.job % 2 === 0 ? { ...row, tables } : row), 4), none())
    expect(page).to.include('<h2>what &lt;it&gt; says: mode well, of the first run</h2>')
      .and.include('<h2>what &lt;it&gt; says: mode refute, of the first run</h2>')
    expect(page).to.include('<tr><td>5 &amp; 6</td><td class="holds">holds</td></tr>').and.include('<td>7</td><td class="fails">fails</td>')
  })

  it('has axes with units, ticks, bands and a legend for each sweep', async () => {
    const one = plan({ coins: ['10', '100', '10K'], mode: ['well', 'throw'] }, 2)
    const page = await reportPage(one, summarize(one, rows(12), 12), none())
    expect(page).to.match(/class="label"[^>]*>coins, logarithmic</).and.match(/class="label"[^>]*>heads \(share\)</)
    expect(page.match(/<figure>/g)).to.have.length(2)
    expect(page).to.match(/class="band c0" d="M[^"]+Z"/)
    expect(page).to.include('mode well</li>').and.include('mode throw</li>')
    expect(page).to.not.include('NaN').and.not.include('undefined')
  })

  it('is drawn where a metric never changes, where runs failed, and where there is one point', async () => {
    const one = plan({ coins: ['10'] }, 1)
    const page = await reportPage(one, summarize(one, [{ job: 0, point: { coins: 10 }, run: 0, seed: 1, metrics: { heads: 0, runs: 0 }, checks: [] }], 1), none())
    expect(page).to.not.include('NaN')
    const failed = await reportPage(one, summarize(one, [{ job: 0, point: { coins: 10 }, run: 0, seed: 1, error: { name: 'E', message: 'm' } }], 1), none())
    expect(failed).to.include('1 run ended with an error').and.not.include('NaN')
  })
})

describe('a chart', () => {
  it('maps values to pixels', () => {
    expect(numberAxis([0, 10], [100, 200], { tight: true }).at(5)).to.equal(150)
    const log = sweepAxis([1_000, 10_000, 1e5], [0, 100])
    expect(log.kind).to.equal('log')
    expect(log.at(10_000)).to.be.closeTo(50, 1e-9)
    expect(log.ticks.map(({ text }) => text)).to.deep.equal(['1000', '10K', '100K'])
    expect(sweepAxis(['a', 'b'], [0, 100]).kind).to.equal('names')
    expect(sweepAxis([true, false], [0, 100]).ticks.map(({ text }) => text)).to.deep.equal(['true', 'false'])
  })

  it('draws names without lines between them', () => {
    const { text } = chart({ title: 't', x: 'x', y: 'y', sweep: ['a', 'b'], lines: [{ name: '', color: 0, points: [{ x: 'a', y: 1, ci: 0.1 }, { x: 'b', y: 2 }] }] })
    expect(text).to.not.match(/class="line c0" d="M[^"]*L/)
    expect(text.match(/<circle/g)).to.have.length(2)
  })
})

describe('the curves of many runs', () => {
  const row = (job: number, points: Array<[number, number]>, quantiles: number[] = [0, 1]): CurveRow => ({
    job, series: [{ name: 's', x: 'x', y: 'y', points }], distributions: [{ name: 'd', unit: 'ms', quantiles }]
  })

  it('are a mean with its interval, where runs share their x', () => {
    const sums = new CurveSums(10)
    sums.add(row(0, [[0, 1], [1, 2], [2, 9]], [0, 10]))
    sums.add(row(1, [[0, 3], [1, 4]], [2, 20]))
    sums.add(row(2, [[0, 5], [1, 6]], [4, 30]))
    const mean = sums.curveMeans()[0]!.byPoint.get(0)!.mean!
    expect(mean.map(({ x, y }) => [x, y]), 'the longest run alone is no mean').to.deep.equal([[0, 3], [1, 4]])
    expect(mean[0]!.ci).to.be.closeTo(4.302653 * 2 / Math.sqrt(3), 1e-5)
    expect(sums.distributionMeans()[0]!.byPoint.get(0)).to.deep.equal([2, 20])
  })

  it('are single runs, where they do not', () => {
    const sums = new CurveSums(10)
    sums.add(row(0, [[0.1, 1]]))
    sums.add(row(1, [[0.2, 1]]))
    expect(sums.curveMeans()[0]!.byPoint.get(0)).to.deep.equal({ mean: undefined, runs: [[[0.1, 1]], [[0.2, 1]]] })
  })

  it('are those of the first eight points', () => {
    const sums = new CurveSums(1)
    for (let job = 0; job < 20; job++) {
      sums.add(row(job, [[0, 1]]))
    }
    expect([...sums.curveMeans()[0]!.byPoint.keys()]).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7])
  })
})

describe('numbers for people', () => {
  it('have as many digits as their interval bears', () => {
    expect([meanText(3.14159, 0.012), meanText(1234567.8, 5000), meanText(0.99966, 0.0000063), meanText(10, 0), meanText(2.5, null)])
      .to.deep.equal(['3.142', '1\u202f234\u202f568', '0.9996600', '10', '2.5'])
    expect([ciText(0.0123), ciText(0), ciText(null)]).to.deep.equal(['± 0.012', '± 0', ''])
  })

  it('are short on axes', () => {
    expect([0, 1e5, 2.5e6, 1e9, 1500, 0.25, 0.00001].map(shortNumber)).to.deep.equal(['0', '100K', '2.5M', '1B', '1500', '0.25', '1e-5'])
  })
})

describe('markup', () => {
  it('escapes values, and takes markup as it is', () => {
    expect(markup`<p title="${'"a" & \'b\''}">${[markup`<b>${1}</b>`, '<c>', undefined]}</p>`.text)
      .to.equal('<p title="&quot;a&quot; &amp; &#39;b&#39;"><b>1</b>&lt;c&gt;</p>')
  })
})
