/** Which charts a report shows: metrics over what was swept, curves of the runs, and distributions. */
import { spread } from './axis.ts'
import { chart } from './chart.ts'
import { CurveSums, SHOWN_POINTS } from './curve-sums.ts'
import { shortNumber } from './number-text.ts'
import type { OptionRecord } from '../scenario/option-grid.ts'
import type { OptionValue } from '../scenario/option-value.ts'
import type { Plan } from '../run/plan.ts'
import type { CurveRow } from '../run/result-row.ts'
import type { PointSummary, Summary } from '../run/summary.ts'
import type { ChartLine, ChartPoint } from './chart.ts'
import type { CurveMean, DistributionMean } from './curve-sums.ts'
import type { Markup } from './markup.ts'

/** More lines than the page has colours cannot be told apart. */
const MAX_LINES = 8

export function metricCharts (plan: Plan, summary: Summary): Markup[] {
  const axis = sweptAxis(plan)
  const done = summary.points.filter(({ metrics }) => Object.keys(metrics).length > 0)
  if (axis === undefined || done.length === 0) {
    return []
  }
  const values = plan.sweep[axis]!
  const groups = [...Map.groupBy(done, ({ point }) => pointText(without(point, axis)))]
  return Object.entries(plan.scenario.metrics).map(([metric, { unit, help }]) => chart({
    title: `${metric}: ${help}`,
    x: optionLabel(plan, axis),
    y: `${metric} (${unit})`,
    sweep: values,
    lines: groups.slice(0, MAX_LINES).map(([name, points], color) => ({ name, color, points: metricPoints(points, axis, metric) })),
    note: [
      plan.runs > 1 ? `Mean of the runs with its 95 % confidence interval, at most ${plan.runs} at each point.` : 'One run at each point.',
      groups.length > MAX_LINES ? `The first ${MAX_LINES} of ${groups.length} lines; all are in summary.json.` : ''
    ].join(' ').trim()
  }))
}

function metricPoints (points: PointSummary[], axis: string, metric: string): ChartPoint[] {
  return points.map(({ point, metrics }) => ({ x: point[axis]!, y: metrics[metric]!.mean, ci: metrics[metric]!.ci95 }))
}

/** The option along the x axis: of those with numbers the one with the most values, or else the first. */
function sweptAxis (plan: Plan): string | undefined {
  const names = Object.keys(plan.sweep)
  const numbers = names.filter(name => plan.sweep[name]!.every(value => typeof value === 'number'))
  return numbers.toSorted((a, b) => plan.sweep[b]!.length - plan.sweep[a]!.length)[0] ?? names[0]
}

function optionLabel (plan: Plan, name: string): string {
  const option = plan.scenario.options[name]
  return option?.type === 'number' && option.unit !== '' ? `${name} (${option.unit})` : name
}

export async function curveCharts (plan: Plan, summary: Summary, curves: AsyncIterable<CurveRow>): Promise<Markup[]> {
  const sums = new CurveSums(plan.runs)
  for await (const row of curves) {
    sums.add(row)
  }
  const names = summary.points.map(({ point }) => pointText(point))
  const note = summary.points.length > SHOWN_POINTS ? `The first ${SHOWN_POINTS} of ${summary.points.length} points; all are in curves.jsonl.` : ''
  return [
    ...sums.curveMeans().map(curve => curveChart(curve, names, note)),
    ...sums.distributionMeans().map(distribution => distributionChart(distribution, names, note))
  ]
}

function curveChart ({ name, x, y, byPoint }: CurveMean, names: string[], note: string): Markup {
  const lines: ChartLine[] = []
  let banded = false
  for (const [point, { mean, runs }] of byPoint) {
    const color = point
    if (mean === undefined) {
      lines.push(...runs.map((points, i) => ({ name: i === 0 ? names[point]! : '', color, points: points.map(([x, y]) => ({ x, y })) })))
    } else {
      // with several points the single runs would only blur the picture
      const single = byPoint.size === 1 && runs.length > 1 ? runs : []
      lines.push(...single.map(points => ({ name: '', faint: true, color, points: points.map(([x, y]) => ({ x, y })) })))
      lines.push({ name: names[point]!, color, points: mean })
      banded ||= mean.some(({ ci }) => ci !== null)
    }
  }
  const log = spread(lines.flatMap(({ points }) => points.map(({ x }) => x as number))) && lines.some(manyDecades)
  return chart({
    title: name, x, y, lines, cutBands: true, logX: log,
    note: [banded ? 'Mean of the runs; the band is the 95 % confidence interval.' : '', note].join(' ').trim() || undefined
  })
}

/** Rounds and seconds are read on a plain axis, unless they span a thousandfold. */
function manyDecades ({ points }: ChartLine): boolean {
  const xs = points.map(({ x }) => x as number)
  return xs.reduce((a, b) => Math.max(a, b), 0) / xs.reduce((a, b) => Math.min(a, b), Infinity) >= 1_000
}

function distributionChart ({ name, unit, byPoint }: DistributionMean, names: string[], note: string): Markup {
  const lines = [...byPoint].map(([point, quantiles]): ChartLine => ({
    name: names[point]!, color: point, points: quantiles.map((value, i) => ({ x: value, y: i / (quantiles.length - 1) }))
  }))
  const positive = lines.every(({ points }) => (points[0]!.x as number) > 0)
  return chart({
    title: `Distribution of ${name}`,
    x: `${name} (${unit})`,
    y: 'share at or below',
    lines,
    logX: positive && spread(lines.flatMap(({ points }) => points.slice(1, -1).map(({ x }) => x as number))),
    note: note || undefined
  })
}

export function pointText (point: OptionRecord): string {
  return Object.entries(point).map(([name, value]) => `${name} ${valueText(value)}`).join(', ')
}

export function valueText (value: OptionValue): string {
  return typeof value === 'number' ? shortNumber(value) : String(value)
}

function without (point: OptionRecord, name: string): OptionRecord {
  const { [name]: _, ...rest } = point
  return rest
}
