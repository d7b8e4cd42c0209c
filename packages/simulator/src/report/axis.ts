/** The axes of a chart: values to pixels by d3's scales, and which ticks to write. */
import { scaleLinear, scaleLog, scalePoint } from 'd3-scale'
import { shortNumber } from './number-text.ts'
import type { OptionValue } from '../scenario/option-value.ts'

export interface Axis {
  kind: 'linear' | 'log' | 'names'
  at: (value: OptionValue) => number
  ticks: Array<{ at: number, text: string }>
}

/** From this ratio of the largest to the smallest on, a logarithmic axis shows more. */
const LOG_RATIO = 50
/** Ticks at every value, where they are as few as these. */
const MAX_OWN_TICKS = 8

/** For what is swept over: numbers, or names. */
export function sweepAxis (values: readonly OptionValue[], range: [number, number]): Axis {
  const numbers = values.filter(value => typeof value === 'number')
  if (numbers.length < values.length) {
    const scale = scalePoint(values.map(String), range).padding(0.5)
    return { kind: 'names', at: value => scale(String(value))!, ticks: values.map(value => ({ at: scale(String(value))!, text: String(value) })) }
  }
  const axis = numberAxis(numbers, range, { log: spread(numbers), tight: true })
  return numbers.length > MAX_OWN_TICKS
    ? axis
    : { ...axis, ticks: apart(numbers.toSorted((a, b) => a - b).map(value => ({ at: axis.at(value), text: shortNumber(value) })), 40) }
}

/** For what is measured. Starts at zero where that costs little of the room. */
export function numberAxis (values: readonly number[], range: [number, number], options: { log?: boolean, tight?: boolean } = {}): Axis {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity)
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity)
  const pixels = Math.abs(range[1] - range[0])
  if (options.log === true) {
    const scale = scaleLog([low, high], range)
    const ticks = decades(low, high).map(value => ({ at: scale(value), text: shortNumber(value) }))
    return { kind: 'log', at: value => scale(value as number), ticks }
  }
  const scale = scaleLinear(domain(low, high, options.tight === true), range)
  if (options.tight !== true) {
    scale.nice(5)
    if (high <= 1 && scale.domain()[1]! > 1) {
      scale.domain([scale.domain()[0]!, 1]) // there is no share above 1
    }
  }
  return {
    kind: 'linear',
    at: value => scale(value as number),
    ticks: scale.ticks(Math.max(2, Math.floor(pixels / 55))).map(value => ({ at: scale(value), text: shortNumber(value) }))
  }
}

/** Whether the values are positive and far apart. */
export function spread (values: readonly number[]): boolean {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity)
  return low > 0 && values.reduce((a, b) => Math.max(a, b), 0) / low >= LOG_RATIO
}

function domain (low: number, high: number, tight: boolean): [number, number] {
  if (low === high) {
    const margin = low === 0 ? 1 : Math.abs(low) / 2
    return [low - margin, high + margin]
  }
  return !tight && low > 0 && low < high * 0.6 ? [0, high] : [low, high]
}

function decades (low: number, high: number): number[] {
  const ticks = []
  for (let exponent = Math.floor(Math.log10(low)); exponent <= Math.log10(high) + 1e-9; exponent++) {
    ticks.push(Number(`1e${exponent}`))
  }
  const inside = ticks.filter(value => value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9))
  const step = Math.ceil(inside.length / MAX_OWN_TICKS)
  return inside.length === 0 ? [low, high] : inside.filter((_, i) => i % step === 0)
}

/** Leaves ticks out that would run into the one before. */
function apart (ticks: Axis['ticks'], pixels: number): Axis['ticks'] {
  let last = -Infinity
  return ticks.filter(({ at }) => {
    const far = Math.abs(at - last) >= pixels
    last = far ? at : last
    return far
  })
}
