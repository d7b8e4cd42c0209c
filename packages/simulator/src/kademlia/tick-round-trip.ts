/** Round trips as a simulated world times them: each way takes whole ticks, and at least one. */
import type { LatencyModel } from '../engine/latency.ts'
import type { RoundTrip } from './lookup-run.ts'

/** @param isSilent nodes that never answer */
export function tickRoundTrip (latency: LatencyModel, tickMs = 0.125, isSilent: (node: number) => boolean = () => false): RoundTrip {
  const least = Math.floor(latency.leastMs / tickMs)
  const ticks = (from: number, to: number): number => Math.max(least, Math.ceil(latency.oneWayMs(from, to) / tickMs))
  return (from, to) => isSilent(to) ? Infinity : (ticks(from, to) + ticks(to, from)) * tickMs
}
