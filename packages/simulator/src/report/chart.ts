/** One chart as SVG: lines with confidence bands over two axes. Shapes are d3's; colours are the page's, so that they follow light and dark. */
import { area, curveStepAfter, line } from 'd3-shape'
import { numberAxis, sweepAxis } from './axis.ts'
import { markup } from './markup.ts'
import type { OptionValue } from '../scenario/option-value.ts'
import type { Axis } from './axis.ts'
import type { Markup } from './markup.ts'

export interface ChartPoint {
  x: OptionValue
  y: number
  /** Half the width of the band */
  ci?: number | null
}

export interface ChartLine {
  name: string
  points: ChartPoint[]
  /** A single run behind a mean */
  faint?: boolean
  /** Which of the page's colours; lines of one colour are one entry of the legend */
  color: number
}

export interface ChartSpec {
  title: string
  /** With its unit */
  x: string
  y: string
  lines: ChartLine[]
  /** The x axis has exactly the values of a sweep */
  sweep?: readonly OptionValue[]
  logX?: boolean
  steps?: boolean
  /** Bands are cut off where the lines end: an interval from two runs may be wider than all that was seen */
  cutBands?: boolean
  note?: string
}

export const COLORS = 8
const WIDTH = 640
const HEIGHT = 340
const MARGIN = { top: 14, right: 18, bottom: 48, left: 68 }
const INSIDE = { left: MARGIN.left, right: WIDTH - MARGIN.right, top: MARGIN.top, bottom: HEIGHT - MARGIN.bottom }

export function chart (spec: ChartSpec): Markup {
  const points = spec.lines.flatMap(({ points }) => points)
  const x = spec.sweep === undefined
    ? numberAxis(points.map(({ x }) => x as number), [INSIDE.left, INSIDE.right], { log: spec.logX, tight: true })
    : sweepAxis(spec.sweep, [INSIDE.left, INSIDE.right])
  const y = numberAxis(points.flatMap(({ y, ci }) => spec.cutBands === true ? [y] : [y - (ci ?? 0), y + (ci ?? 0)]), [INSIDE.bottom, INSIDE.top])
  const cut: Axis = { ...y, at: value => Math.min(INSIDE.bottom, Math.max(INSIDE.top, y.at(value))) }
  const drawn = spec.lines.map((one, i) => drawLine(one, beside(x, i, spec.lines.length), cut, spec))

  return markup`<figure>
<figcaption>${spec.title}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${spec.title}: ${spec.y} over ${spec.x}">
${axes(x, y, spec)}
${drawn.map(({ band }) => band)}${drawn.map(({ stroke }) => stroke)}
</svg>
${legend(spec.lines)}${spec.note === undefined ? undefined : markup`<p class="note">${spec.note}</p>`}
</figure>
`
}

function axes (x: Axis, y: Axis, spec: ChartSpec): Markup {
  const middle = (INSIDE.top + INSIDE.bottom) / 2
  return markup`<g class="axis">
${y.ticks.map(({ at, text }) => markup`<path class="grid" d="M${INSIDE.left} ${round(at)}H${INSIDE.right}"/><text x="${INSIDE.left - 8}"
 y="${round(at)}" dy="0.32em" text-anchor="end">${text}</text>`)}
${x.ticks.map(({ at, text }) => markup`<path class="tick" d="M${round(at)} ${INSIDE.bottom}v5"/><text x="${round(at)}" y="${INSIDE.bottom + 19}"
 text-anchor="middle">${text}</text>`)}
<path class="base" d="M${INSIDE.left} ${INSIDE.bottom}H${INSIDE.right}"/>
<text class="label" x="${(INSIDE.left + INSIDE.right) / 2}" y="${HEIGHT - 8}"
 text-anchor="middle">${spec.x}${x.kind === 'log' ? ', logarithmic' : ''}</text>
<text class="label" transform="translate(15 ${middle}) rotate(-90)" text-anchor="middle">${spec.y}</text>
</g>`
}

/** Over names, marks of several lines stand side by side; elsewhere they are told apart by where they go. */
function beside (x: Axis, line: number, lines: number): Axis {
  return x.kind === 'names' ? { ...x, at: value => x.at(value) + (line - (lines - 1) / 2) * 12 } : x
}

function drawLine ({ name, points, faint, color }: ChartLine, x: Axis, y: Axis, spec: ChartSpec): { band: Markup | undefined, stroke: Markup } {
  const sorted = x.kind === 'names' ? points : points.toSorted((a, b) => (a.x as number) - (b.x as number))
  const stroke = line<ChartPoint>(point => x.at(point.x), point => y.at(point.y)).digits(1)
  const band = area<ChartPoint>(point => x.at(point.x), point => y.at(point.y - (point.ci ?? 0)), point => y.at(point.y + (point.ci ?? 0))).digits(1)
  if (spec.steps === true) {
    stroke.curve(curveStepAfter)
    band.curve(curveStepAfter)
  }
  const hue = `c${color % COLORS}`
  if (faint === true) {
    return { band: undefined, stroke: markup`<path class="line faint ${hue}" d="${stroke(sorted) ?? ''}"/>\n` }
  }
  const known = sorted.some(({ ci }) => ci != null)
  // names have no order, so nothing is drawn between them; few points are marked, so that a band of no width is not lost
  const marks = x.kind === 'names' || points.length <= 40
    ? points.map(point => markup`<circle class="mark ${hue}" cx="${round(x.at(point.x))}" cy="${round(y.at(point.y))}" r="3.2">
<title>${name === '' ? '' : `${name}: `}${String(point.x)}, ${String(point.y)}</title></circle>`)
    : []
  const bars = x.kind === 'names' || points.length === 1
    ? points.filter(({ ci }) => ci != null).map(({ x: at, y: mean, ci }) =>
        markup`<path class="line ${hue}" d="M${round(x.at(at))} ${round(y.at(mean - ci!))}V${round(y.at(mean + ci!))}"/>`)
    : []
  return {
    band: known && x.kind !== 'names' ? markup`<path class="band ${hue}" d="${band(sorted) ?? ''}"/>\n` : undefined,
    stroke: markup`${x.kind === 'names' ? undefined : markup`<path class="line ${hue}" d="${stroke(sorted) ?? ''}"/>`}${bars}${marks}\n`
  }
}

function legend (lines: readonly ChartLine[]): Markup | undefined {
  const entries = lines.filter(({ faint, name }) => faint !== true && name !== '')
  return entries.length === 0
    ? undefined
    : markup`<ul class="legend">${entries.map(({ name, color }) => markup`<li><i class="c${color % COLORS}"></i>${name}</li>`)}</ul>\n`
}

function round (pixels: number): number {
  return Math.round(pixels * 10) / 10
}
