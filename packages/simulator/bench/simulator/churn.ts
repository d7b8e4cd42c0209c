/** A day of churn: sessions shaped as those of IPFS, so short that ten million devices come and go 132 million times. */
import { ChurnKernel, weibull } from '@skein/simulator'
import { cpuSeconds } from './cpu.ts'

const SHAPE = 0.518
const HOUR_MS = 3_600_000
/** Online and offline alike: two changes in 3.64 hours are 132 million in a day for ten million devices. */
const MEAN_MS = 1.82 * HOUR_MS

export function measureChurn (devices: number): Record<string, number> {
  const length = weibull(SHAPE, MEAN_MS / weibull(SHAPE, 1).meanMs)
  const start = process.cpuUsage()
  const kernel = new ChurnKernel({ seed: 1, model: { on: length, off: length }, fromDevice: 0, toDevice: devices })
  kernel.runBefore(24 * HOUR_MS / kernel.tickMs)
  return {
    seconds: cpuSeconds(start),
    changes: kernel.joins + kernel.leaves,
    bytes: kernel.byteLength,
    rss: process.resourceUsage().maxRSS / 1024
  }
}
