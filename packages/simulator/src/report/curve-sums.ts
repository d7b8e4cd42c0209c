/** The curves of many runs, taken in one at a time: sums for their means, and a few runs as they are. */
import { estimate } from '../run/student-t.ts'
import type { CurveRow } from '../run/result-row.ts'

/** A report shows the curves of the first points of a grid; the rest is in `curves.jsonl`. */
export const SHOWN_POINTS = 8
/** Single runs that are drawn behind their mean. */
const SHOWN_RUNS = 12
/** A mean is taken where runs share their x, as rounds do; runs that share none have more of these than this. */
const MAX_X = 4_000
/** Values kept at one x for its interval: runs beyond add nothing that could be seen. */
const MAX_RUNS = 1_000

export interface CurveMean {
  name: string
  x: string
  y: string
  byPoint: Map<number, { mean: Array<{ x: number, y: number, ci: number | null }> | undefined, runs: Array<Array<[number, number]>> }>
}

export interface DistributionMean {
  name: string
  unit: string
  /** The mean of each quantile over the runs */
  byPoint: Map<number, number[]>
}

interface CurveSum {
  runs: Array<Array<[number, number]>>
  /** `undefined` once there were too many x */
  values: Map<number, number[]> | undefined
}

export class CurveSums {
  private readonly runsPerPoint: number
  private readonly curves = new Map<string, { x: string, y: string, byPoint: Map<number, CurveSum> }>()
  private readonly distributions = new Map<string, { unit: string, byPoint: Map<number, { sums: number[], runs: number }> }>()

  constructor (runsPerPoint: number) {
    this.runsPerPoint = runsPerPoint
  }

  /** Rows come in the order of their jobs. */
  add ({ job, series, distributions }: CurveRow): void {
    const point = Math.floor(job / this.runsPerPoint)
    if (point >= SHOWN_POINTS) {
      return
    }
    for (const { name, x, y, points } of series) {
      const curve = upsert(this.curves, name, () => ({ x, y, byPoint: new Map<number, CurveSum>() }))
      addRun(upsert(curve.byPoint, point, () => ({ runs: [], values: new Map<number, number[]>() })), points)
    }
    for (const { name, unit, quantiles } of distributions) {
      const distribution = upsert(this.distributions, name, () => ({ unit, byPoint: new Map<number, { sums: number[], runs: number }>() }))
      const sum = upsert(distribution.byPoint, point, () => ({ sums: quantiles.map(() => 0), runs: 0 }))
      sum.sums = sum.sums.map((value, i) => value + quantiles[i]!)
      sum.runs++
    }
  }

  curveMeans (): CurveMean[] {
    return [...this.curves].map(([name, { x, y, byPoint }]) => ({
      name, x, y, byPoint: new Map([...byPoint].map(([point, sum]) => [point, { mean: meanOf(sum), runs: sum.runs }]))
    }))
  }

  distributionMeans (): DistributionMean[] {
    return [...this.distributions].map(([name, { unit, byPoint }]) => ({
      name, unit, byPoint: new Map([...byPoint].map(([point, { sums, runs }]) => [point, sums.map(sum => sum / runs)]))
    }))
  }
}

function addRun (sum: CurveSum, points: Array<[number, number]>): void {
  if (sum.runs.length < SHOWN_RUNS) {
    sum.runs.push(points)
  }
  for (const [x, y] of points) {
    const values = sum.values === undefined ? undefined : upsert(sum.values, x, (): number[] => [])
    if (values !== undefined && values.length < MAX_RUNS) {
      values.push(y)
    }
    if (sum.values !== undefined && sum.values.size > MAX_X) {
      sum.values = undefined
    }
  }
}

/** Where at least half of the runs have a value: the tail of the longest run is no mean. */
function meanOf ({ values, runs }: CurveSum): Array<{ x: number, y: number, ci: number | null }> | undefined {
  if (values === undefined) {
    return undefined
  }
  const most = [...values.values()].reduce((most, { length }) => Math.max(most, length), 0)
  if (most < 2 && runs.length > 1) {
    return undefined
  }
  return [...values].filter(([, ys]) => ys.length * 2 >= most).sort(([a], [b]) => a - b).map(([x, ys]) => {
    const { mean, ci95 } = estimate(ys)
    return { x, y: mean, ci: ci95 }
  })
}

function upsert <K, V> (map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key)
  if (found !== undefined) {
    return found
  }
  const value = make()
  map.set(key, value)
  return value
}
