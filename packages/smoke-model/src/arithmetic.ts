/**
 * The exponential and the logarithm from plain IEEE 754 arithmetic. `Math.exp` and its kin may differ in the last bit between
 * engines; addition, multiplication, division and rounding may not. So the same weights give the same bits everywhere.
 */

const LN2_HIGH = 0.693147180369123816490
const LN2_LOW = 1.90821492927058770002e-10
const INVERSE_LN2 = 1.44269504088896338700
/** Below it the result is 0: far under what a probability of a token can matter. */
const MIN_EXPONENT = -700
const MAX_EXPONENT = 700
const POWER_OFFSET = 1022

/** 2^-1022 … 2^1023, by repeated doubling, which is exact. */
const POWERS_OF_TWO = new Float64Array(2046)
for (let power = 0, up = 1, down = 1; power <= 1023; power++, up *= 2, down /= 2) {
  POWERS_OF_TWO[POWER_OFFSET + power] = up
  if (power <= POWER_OFFSET) {
    POWERS_OF_TWO[POWER_OFFSET - power] = down
  }
}

/** e^x within 2 units in the last place; 0 for x < -700, and capped at e^700. */
export function exp (x: number): number {
  if (x < MIN_EXPONENT) {
    return 0
  }
  const bounded = x > MAX_EXPONENT ? MAX_EXPONENT : x
  const power = Math.floor(bounded * INVERSE_LN2 + 0.5)
  const r = (bounded - power * LN2_HIGH) - power * LN2_LOW
  // Taylor to r^13 on |r| ≤ ln2 / 2: the rest is below 2^-57
  const sum = 1 + r * (1 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720 + r * (1 / 5040 +
    r * (1 / 40320 + r * (1 / 362880 + r * (1 / 3628800 + r * (1 / 39916800 + r * (1 / 479001600 + r * (1 / 6227020800)))))))))))))
  return sum * (POWERS_OF_TWO[POWER_OFFSET + power] as number)
}

/** The natural logarithm of a finite x > 0. */
export function ln (x: number): number {
  let mantissa = x
  let power = 0
  while (mantissa >= 1.5) {
    mantissa /= 2
    power++
  }
  while (mantissa < 0.75) {
    mantissa *= 2
    power--
  }
  // 2 artanh((m - 1) / (m + 1)), |s| ≤ 0.2: seventeen odd powers are more than enough
  const s = (mantissa - 1) / (mantissa + 1)
  const square = s * s
  let sum = 0
  for (let odd = 33; odd >= 1; odd -= 2) {
    sum = sum * square + 1 / odd
  }
  return power * LN2_HIGH + (2 * s * sum + power * LN2_LOW)
}
