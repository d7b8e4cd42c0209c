/** What a node's services of the mesh count, for Prometheus: of a seed as of any other peer. */
import { MESH_METRICS, meshFigures } from '@skein/peer'
import { collectedCounter, collectedGauge } from './collected-metric.ts'
import type { MeshFigure, MeshServices } from '@skein/peer'
import type { Registry } from 'prom-client'

/** Registers all figures that there may be; those of services that are turned off have no values. `services` is asked at each scrape. */
export function collectMeshFigures (registry: Registry, services: () => MeshServices): void {
  for (const { name, help, type, labels } of MESH_METRICS) {
    const show = (metric: { remove: () => void }, add: (figure: MeshFigure) => void): void => {
      const figures = meshFigures(services()).filter(figure => figure.name === name)
      figures.forEach(add)
      if (figures.length === 0 && labels.length === 0) {
        metric.remove() // a metric without labels would be 0
      }
    }
    if (type === 'counter') {
      collectedCounter(registry, name, help, [...labels], metric => {
        show(metric, figure => { metric.inc(figure.labels ?? {}, figure.value) })
      })
    } else {
      collectedGauge(registry, name, help, [...labels], metric => {
        show(metric, figure => { metric.set(figure.labels ?? {}, figure.value) })
      })
    }
  }
}
