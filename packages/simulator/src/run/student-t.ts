/** Confidence intervals of a mean from few runs: Student's t. */

/** Upper 2.5 % points for 1 to 10 degrees of freedom. */
const TABLE = [12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157, 2.228139]
const NORMAL = 1.959963985

/** The value that |t| stays below with 95 %: from the table, then by the Cornish–Fisher expansion (Abramowitz and Stegun 26.7.5), right to 2e-5. */
export function studentT95 (degreesOfFreedom: number): number {
  if (degreesOfFreedom <= TABLE.length) {
    return TABLE[degreesOfFreedom - 1]!
  }
  const z = NORMAL
  const n = degreesOfFreedom
  return z + (z ** 3 + z) / (4 * n) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * n ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * n ** 3) +
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / (92_160 * n ** 4)
}

export interface Estimate {
  mean: number
  /** Half the width of the 95 % confidence interval; `null` when there was one run only */
  ci95: number | null
  runs: number
  min: number
  max: number
}

/** Of one value or more, added in their order, so that the same values give the same bits. */
export function estimate (values: readonly number[]): Estimate {
  const n = values.length
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1)
  return {
    mean,
    ci95: n < 2 ? null : studentT95(n - 1) * Math.sqrt(variance / n),
    runs: n,
    min: values.reduce((a, b) => Math.min(a, b)),
    max: values.reduce((a, b) => Math.max(a, b))
  }
}
