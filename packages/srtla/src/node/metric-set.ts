/** Metrics of one prefix whose values are kept elsewhere, and read at each scrape. */
import { Counter, Gauge } from 'prom-client'
import type { Registry } from 'prom-client'

export class MetricSet {
  private readonly registers: Registry[]
  private readonly prefix: string

  /** @param prefix of all names, `skein_srtla_` */
  constructor (registry: Registry, prefix: string) {
    this.registers = [registry]
    this.prefix = prefix
  }

  /** What `collect` does not set has no line. */
  gauge<L extends string> (name: string, help: string, labelNames: L[], collect: (metric: Gauge<L>) => void): void {
    const metric: Gauge<L> = new Gauge({
      name: this.prefix + name,
      help,
      labelNames,
      registers: this.registers,
      collect () {
        metric.reset()
        collect(metric)
      }
    })
  }

  /** `collect` adds the total so far. */
  counter<L extends string> (name: string, help: string, labelNames: L[], collect: (metric: Counter<L>) => void): void {
    const metric: Counter<L> = new Counter({
      name: this.prefix + name,
      help,
      labelNames,
      registers: this.registers,
      collect () {
        metric.reset()
        collect(metric)
      }
    })
  }
}
