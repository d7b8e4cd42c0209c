/** A scenario and its results in words, for a terminal. */
import { describeExpected, formatCount, formatOptionValue } from '@skein/simulator'
import type { OptionRecord, OptionValue, Scenario } from '@skein/simulator'
import type { Failure, Summary } from '@skein/simulator/run'

/** More than that is read in a file. */
const MAX_POINTS = 20
const MAX_TABLES = 20
/** Characters of a cell on one line, unless it is one word. */
const MAX_CELL = 36

export function describeScenario ({ name, claims, expected, options, metrics, small }: Scenario): string {
  const rows = Object.entries(options).map(([key, option]) => {
    const less = (small as Record<string, OptionValue | undefined>)[key]
    const unit = option.type === 'number' && option.unit !== '' ? ` ${option.unit}` : ''
    return [key, option.help, `${describeExpected(option)} (default: ${formatOptionValue(option, option.default)}${unit}${
      less === undefined ? '' : `; --small: ${formatOptionValue(option, less)}${unit}`})`]
  })
  return `${name}

Claims: ${claims}
Expected: ${expected}

Options (--set NAME=VALUE, --sweep NAME=A,B,C${Object.hasOwn(options, 'nodes') ? '; --nodes N is --set nodes=N' : ''}):
${columns(rows)}

Metrics:
${columns(Object.entries(metrics).map(([key, { unit, help }]) => [key, unit, help]))}

Examples:
  $ skein simulate ${name} --small
  $ skein simulate ${name} --runs 10 --sweep ${sweepExample(options)}

skein simulate --help has the options that all scenarios share.`
}

function sweepExample (options: Scenario['options']): string {
  for (const [name, option] of Object.entries(options)) {
    if (option.type === 'count') {
      const values = [option.default / 100, option.default / 10, option.default].filter(value => Number.isInteger(value) && value >= option.min)
      return `${name}=${values.map(formatCount).join(',')}`
    }
    if (option.type === 'choice') {
      return `${name}=${option.choices.join(',')}`
    }
  }
  const [name, option] = Object.entries(options)[0] ?? ['NAME', undefined]
  return option?.type === 'number' ? `${name}=${option.min},${option.default}` : `${name}=true,false`
}

/** Each metric at each point, and each claim with how often it held. */
export function summaryText (summary: Summary): string {
  const metrics = Object.keys(summary.points[0]?.metrics ?? {})
  const swept = Object.keys(summary.points[0]?.point ?? {})
  const rows = summary.points.slice(0, MAX_POINTS).map(({ point, metrics: found }) => [
    ...swept.map(name => valueText(point[name]!)),
    ...metrics.map(name => found[name] === undefined ? '–' : estimateText(found[name].mean, found[name].ci95))
  ])
  const units = metrics.map(name => `${name} (${summary.points[0]!.metrics[name]!.unit})`)
  const table = swept.length === 0 && rows.length === 1
    ? columns(units.map((unit, i) => [unit, rows[0]![i]!]))
    : columns([[...swept, ...units], ...rows])
  return [
    ...metrics.length === 0 ? [] : [table],
    ...summary.points.length > MAX_POINTS ? [`  … ${summary.points.length - MAX_POINTS} points more in summary.json`] : [],
    ...tableTexts(summary),
    ...checkLines(summary)
  ].join('\n')
}

/** A table stands under its name; with more than one point, under where it was made. */
function tableTexts ({ points }: Summary): string[] {
  const tables = points.flatMap(({ point, tables = [] }) => tables.map(table => (
    { ...table, title: [table.name, optionsText(point)].filter(text => text !== '').join(': ') })))
  return [
    ...tables.slice(0, MAX_TABLES).map(({ title, columns: head, rows }) => `\n${title}\n${columns([head, ...rows].flatMap(wrapRow))}`),
    ...tables.length > MAX_TABLES ? [`  … ${tables.length - MAX_TABLES} tables more in the report`] : []
  ]
}

/** A row over several lines, where its cells are long. */
function wrapRow (row: string[]): string[][] {
  const cells = row.map(wrapCell)
  const height = cells.reduce((most, { length }) => Math.max(most, length), 1)
  return Array.from({ length: height }, (_, line) => cells.map(lines => lines[line] ?? ''))
}

function wrapCell (cell: string): string[] {
  return cell.split(' ').reduce<string[]>((lines, word) => {
    const last = lines.at(-1)
    return last !== undefined && last.length + 1 + word.length <= MAX_CELL ? [...lines.slice(0, -1), `${last} ${word}`] : [...lines, word]
  }, [])
}

function checkLines ({ points }: Summary): string[] {
  const byClaim = Map.groupBy(points.flatMap(({ checks }) => checks), ({ claim }) => claim)
  return [...byClaim].map(([claim, checks]) => {
    const held = checks.reduce((sum, check) => sum + check.held, 0)
    const runs = checks.reduce((sum, check) => sum + check.runs, 0)
    const example = checks.find(check => check.held < check.runs) ?? checks[0]!
    return `${held === runs ? '✔' : '✘'} ${claim}: in ${held} of ${runs} runs (${example.found})`
  })
}

/** All that it takes to know which run it was. */
export function failureText ({ kind, error, checks, run, seed, options, version, scenario }: Failure, file: string | undefined): string {
  const what = kind === 'error'
    ? `${error?.name}: ${error?.message}`
    : (checks ?? []).map(({ claim, found }) => `"${claim}" does not hold: ${found}`).join('; ')
  return [
    `✘ run ${run} failed: ${what}`,
    `  ${scenario.name}, version ${version}, seed ${seed}, ${optionsText(options)}`,
    ...file === undefined ? [] : [`  again: skein simulate --replay ${file}`]
  ].join('\n')
}

export function optionsText (options: OptionRecord): string {
  return Object.entries(options).map(([name, value]) => `${name}=${valueText(value)}`).join(' ')
}

function valueText (value: OptionValue): string {
  return typeof value === 'number' && Number.isInteger(value) ? formatCount(value) : String(value)
}

export function estimateText (mean: number, ci95: number | null): string {
  const text = String(Number(mean.toPrecision(6)))
  return ci95 === null ? text : `${text} ±${Number(ci95.toPrecision(2))}`
}

function columns (rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, at) => rows.reduce((width, row) => Math.max(width, row[at]!.length), 0))
  return rows.map(row => `  ${row.map((cell, at) => at === row.length - 1 ? cell : cell.padEnd(widths[at]! + 2)).join('')}`.trimEnd()).join('\n')
}
