/** `report.html`: one file that opens without a network and says what was claimed, what was run, and what came out. */
import { formatOptionValue } from '../scenario/option-value.ts'
import { markup } from './markup.ts'
import { ciText, meanText } from './number-text.ts'
import { curveCharts, metricCharts, pointText, valueText } from './report-charts.ts'
import { REPORT_STYLE } from './report-style.ts'
import type { Plan } from '../run/plan.ts'
import type { CurveRow } from '../run/result-row.ts'
import type { PointSummary, Summary } from '../run/summary.ts'
import type { Markup, MarkupValue } from './markup.ts'

/** Rows of a table on the page; the rest is in the files beside it. */
const MAX_TABLE_ROWS = 500
/** Tables of scenarios on the page. */
const MAX_TABLES = 100

/** Depends on its arguments alone: the same results give the same page, byte for byte. */
export async function reportPage (plan: Plan, summary: Summary, curves: AsyncIterable<CurveRow>): Promise<string> {
  const { scenario } = plan
  const charts = [...metricCharts(plan, summary), ...await curveCharts(plan, summary, curves)]
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${scenario.name} – Skein simulation</title>
${REPORT_STYLE}</head>
<body>
<h1>${scenario.name}</h1>
<p class="facts">Skein simulator ${plan.version} · seed ${plan.seed} · ${plan.runs} ${plan.runs === 1 ? 'run' : 'runs'}${
  summary.points.length === 1 ? '' : ` at each of ${summary.points.length} points`} · scenario file ${scenario.sha256.slice(0, 12)}</p>
${alerts(plan, summary)}<dl>
<dt>Claims</dt><dd>${scenario.claims}</dd>
<dt>Expected</dt><dd>${scenario.expected}</dd>
</dl>
${checksSection(summary)}${tablesSections(summary)}${
  charts.length === 0 ? undefined : markup`<h2>Curves</h2>\n<div class="charts">\n${charts}</div>\n`}${
  metricsSection(plan, summary)}${optionsSection(plan)}</body>
</html>
`.text
}

function alerts (plan: Plan, summary: Summary): Markup[] {
  const failed = summary.points.reduce((sum, point) => sum + point.failed, 0)
  const made = summary.points.reduce((sum, point) => sum + point.failed + runsOf(point), 0)
  const all = plan.runs * summary.points.length
  const errors = `${failed} ${failed === 1 ? 'run' : 'runs'} ended with an error`
  return [
    ...summary.complete ? [] : [markup`<p class="alert"><strong>Incomplete:</strong> stopped after ${made} of ${all} runs.</p>\n`],
    ...failed === 0 ? [] : [markup`<p class="alert"><strong>${errors}</strong>; see results.jsonl.</p>\n`]
  ]
}

function runsOf ({ metrics }: PointSummary): number {
  return Object.values(metrics)[0]?.runs ?? 0
}

function checksSection ({ points }: Summary): Markup | undefined {
  const checks = points.flatMap(({ point, checks }) => checks.map(check => ({ ...check, point })))
  if (checks.length === 0) {
    return undefined
  }
  const swept = points.length > 1
  // what fails comes first
  const rows = [...checks.filter(({ held, runs }) => held < runs), ...checks.filter(({ held, runs }) => held === runs)]
  return section('Checks', ['verdict', 'claim', ...swept ? ['at'] : [], 'runs', 'found'], rows.map(({ claim, held, runs, found, point }) => [
    held === runs ? markup`<td class="holds">holds</td>` : markup`<td class="fails">fails</td>`,
    markup`<td>${claim}</td>`,
    swept ? markup`<td>${pointText(point)}</td>` : undefined,
    markup`<td class="n">${held} of ${runs}</td>`,
    markup`<td>${found}</td>`
  ]))
}

function tablesSections ({ points, runs }: Summary): Markup[] {
  const ofFirst = runs > 1 ? ', of the first run' : ''
  return points.flatMap(({ point, tables = [] }) => tables.map(({ name, columns, rows }) =>
    section(`${[name, pointText(point)].filter(text => text !== '').join(': ')}${ofFirst}`, columns, rows.map(row => row.map(cell =>
      cell === 'holds' || cell === 'fails' ? markup`<td class="${cell}">${cell}</td>` : markup`<td>${cell}</td>`))))).slice(0, MAX_TABLES)
}

function metricsSection (plan: Plan, { points }: Summary): Markup {
  const swept = Object.keys(plan.sweep)
  const metrics = Object.entries(plan.scenario.metrics)
  if (swept.length === 0) {
    const point = points[0]!
    const headings = ['metric', '>mean', '95 % interval', '>least', '>most', 'unit', 'what it is']
    return section('Metrics', headings, metrics.flatMap(([name, { unit, help }]) => {
      const found = point.metrics[name]
      return found === undefined
        ? []
        : [[
            markup`<td><code>${name}</code></td><td class="n">${meanText(found.mean, found.ci95)}</td><td>${ciText(found.ci95)}</td>`,
            markup`<td class="n">${meanText(found.min, null)}</td><td class="n">${meanText(found.max, null)}</td><td>${unit}</td><td>${help}</td>`
          ]]
    }))
  }
  const headings = [...swept.map(name => `>${name}`), ...metrics.map(([name, { unit }]) => `>${name} (${unit})`), '>runs']
  return section('Metrics', headings, points.map(point => [
    ...swept.map(name => markup`<td class="n">${valueText(point.point[name]!)}</td>`),
    ...metrics.map(([name]) => {
      const found = point.metrics[name]
      return found === undefined
        ? markup`<td class="n">–</td>`
        : markup`<td class="n">${meanText(found.mean, found.ci95)} <small>${ciText(found.ci95)}</small></td>`
    }),
    markup`<td class="n">${runsOf(point)}</td>`
  ]))
}

function optionsSection (plan: Plan): Markup {
  return section('Options', ['option', 'value', 'what it is'], Object.entries(plan.scenario.options).map(([name, option]) => {
    const values = plan.sweep[name] ?? [plan.options[name]!]
    const unit = option.type === 'number' ? ` ${option.unit}` : ''
    const text = `${values.map(value => formatOptionValue(option, value)).join(', ')}${unit}`
    return [markup`<td><code>${name}</code></td><td>${text}</td><td>${option.help}</td>`]
  }))
}

/** A heading that begins with `>` stands over numbers. */
function section (title: string, headings: string[], rows: MarkupValue[][]): Markup {
  const more = rows.length - MAX_TABLE_ROWS
  return markup`<h2>${title}</h2>
<div class="scroll"><table>
<thead><tr>${headings.map(text => text.startsWith('>') ? markup`<th class="n">${text.slice(1)}</th>` : markup`<th>${text}</th>`)}</tr></thead>
<tbody>
${rows.slice(0, MAX_TABLE_ROWS).map(row => markup`<tr>${row}</tr>\n`)}</tbody>
</table></div>
${more > 0 ? markup`<p class="note">And ${more} more: summary.json has them all.</p>\n` : undefined}`
}
