/** The gamma function and the incomplete one, by the methods of W. Press et al., "Numerical Recipes", §6.1 and §6.2. */

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7
]
const ACCURACY = 1e-15
const MAX_TERMS = 10_000

/** ln Γ(x), x > 0. */
export function logGamma (x: number): number {
  if (x < 0.5) {
    return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  }
  const z = x - 1
  const base = z + 7.5
  const sum = LANCZOS.reduce((total, coefficient, i) => total + (i === 0 ? coefficient : coefficient / (z + i)), 0)
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(base) - base + Math.log(sum)
}

export function gamma (x: number): number {
  return Math.exp(logGamma(x))
}

/** P(a, x): the share of the gamma distribution of shape a that is below x. */
export function lowerGammaShare (a: number, x: number): number {
  if (x <= 0) {
    return 0
  }
  const front = Math.exp(a * Math.log(x) - x - logGamma(a))
  if (x < a + 1) {
    let term = 1 / a
    let sum = term
    for (let n = 1; n < MAX_TERMS && Math.abs(term) > Math.abs(sum) * ACCURACY; n++) {
      term *= x / (a + n)
      sum += term
    }
    return sum * front
  }
  return 1 - front * upperFraction(a, x)
}

/** Lentz's continued fraction of Γ(a, x), without its front factor. */
function upperFraction (a: number, x: number): number {
  const tiny = 1e-300
  let b = x + 1 - a
  let c = 1 / tiny
  let d = 1 / b
  let h = d
  for (let i = 1; i < MAX_TERMS; i++) {
    const an = -i * (i - a)
    b += 2
    d = an * d + b
    d = 1 / (Math.abs(d) < tiny ? tiny : d)
    c = b + an / c
    c = Math.abs(c) < tiny ? tiny : c
    const factor = d * c
    h *= factor
    if (Math.abs(factor - 1) < ACCURACY) {
      break
    }
  }
  return h
}
