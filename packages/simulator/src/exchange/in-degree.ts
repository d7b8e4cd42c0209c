/** In how many views each device is: how evenly peer exchange has spread the links. */
import type { KnownLinks } from './exchange-model.ts'

export interface InDegrees {
  /** Of each device */
  byDevice: Int32Array
  links: number
  mean: number
  busiest: number
  /** Standard deviation */
  deviation: number
  /** Devices that nobody knows */
  unknown: number
  /** Entries whose device has gone */
  gone: number
}

export function inDegrees (views: KnownLinks): InDegrees {
  const { nodes, length } = views
  const byDevice = new Int32Array(nodes)
  let [links, gone] = [0, 0]
  for (let device = 0; device < nodes; device++) {
    const entries = length[device] as number
    for (let i = 0; i < entries; i++) {
      const target = views.target(device, i)
      if (target < 0) {
        gone++
      } else {
        byDevice[target]!++
      }
    }
    links += entries
  }
  const mean = (links - gone) / nodes
  let [busiest, squares, unknown] = [0, 0, 0]
  for (const degree of byDevice) {
    busiest = Math.max(busiest, degree)
    squares += (degree - mean) ** 2
    unknown += degree === 0 ? 1 : 0
  }
  return { byDevice, links, mean, busiest, deviation: Math.sqrt(squares / nodes), unknown, gone }
}
