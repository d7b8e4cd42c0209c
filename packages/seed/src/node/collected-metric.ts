/** Metrics whose values are kept elsewhere, and read at each scrape. */
import { Counter, Gauge } from 'prom-client'
import type { Registry } from 'prom-client'

export function collectedGauge<L extends string> (
  registry: Registry, name: string, help: string, labelNames: L[], collect: (metric: Gauge<L>) => void | Promise<void>
): void {
  const metric: Gauge<L> = new Gauge({
    name,
    help,
    labelNames,
    registers: [registry],
    async collect () {
      metric.reset() // a region that nobody is in any more has no line
      await collect(metric)
    }
  })
}

export function collectedCounter<L extends string> (
  registry: Registry, name: string, help: string, labelNames: L[], collect: (metric: Counter<L>) => void
): void {
  const metric: Counter<L> = new Counter({
    name,
    help,
    labelNames,
    registers: [registry],
    collect () {
      metric.reset()
      collect(metric)
    }
  })
}
