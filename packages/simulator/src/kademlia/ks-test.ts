/** The two-sample Kolmogorov–Smirnov test: whether two samples can come from one distribution. */

export interface KsResult {
  /** Largest difference of the two cumulative distributions, 0 to 1 */
  distance: number
  /** What it would exceed by chance with the given probability; with ties, as in counts, less often than that */
  critical: number
}

/** @param significance probability of a false alarm. @default 0.01 */
export function ksTest (a: ArrayLike<number>, b: ArrayLike<number>, significance = 0.01): KsResult {
  const x = Float64Array.from(a).sort()
  const y = Float64Array.from(b).sort()
  let distance = 0
  for (let i = 0, j = 0; i < x.length && j < y.length;) {
    const value = Math.min(x[i] as number, y[j] as number)
    while (x[i] === value) {
      i++
    }
    while (y[j] === value) {
      j++
    }
    distance = Math.max(distance, Math.abs(i / x.length - j / y.length))
  }
  return { distance, critical: Math.sqrt(-Math.log(significance / 2) / 2 * (x.length + y.length) / (x.length * y.length)) }
}
