/** What the seed measured of its exchanges: the histogram of `/metrics`, and percentiles read from it as Prometheus' `histogram_quantile` does. */

const NAME = 'skein_seed_exchange_duration_seconds'

export class ExchangeTimes {
  /** Cumulative counts by upper bound, s */
  private readonly counts: Map<number, number>

  constructor (metrics: Map<string, number>) {
    this.counts = new Map([...metrics].flatMap(([key, count]) => {
      const bound = key.startsWith(`${NAME}_bucket`) && key.includes('outcome="answered"') ? /le="([^"]+)"/.exec(key)?.[1] : undefined
      return bound === undefined ? [] : [[bound === '+Inf' ? Infinity : Number(bound), count]]
    }))
  }

  get count (): number {
    return this.counts.get(Infinity) ?? 0
  }

  /** Of the exchanges since an earlier reading; within a bucket all are taken to be spread evenly. */
  percentileMs (percent: number, before: ExchangeTimes): number {
    const wanted = percent / 100 * (this.count - before.count)
    let lower = { bound: 0, count: 0 }
    for (const [bound, total] of [...this.counts].sort(([a], [b]) => a - b)) {
      const count = total - (before.counts.get(bound) ?? 0)
      if (count >= wanted && count > lower.count) {
        return 1_000 * (bound === Infinity ? lower.bound : lower.bound + (bound - lower.bound) * (wanted - lower.count) / (count - lower.count))
      }
      lower = { bound, count }
    }
    return NaN
  }
}
