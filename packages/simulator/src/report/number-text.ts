/** Numbers as people read them: few digits, and K, M, B for many. */

/** For a tick of an axis, or the value of an option: `100K`, `0.25`, `1e-5`. */
export function shortNumber (value: number): string {
  const size = Math.abs(value)
  for (const [suffix, factor] of [['T', 1e12], ['B', 1e9], ['M', 1e6], ['K', 1e3]] as const) {
    if (size >= factor && (suffix !== 'K' || size >= 10_000)) {
      return `${Number((value / factor).toPrecision(6))}${suffix}`
    }
  }
  return size !== 0 && size < 1e-4 ? value.toExponential().replace('e+', 'e') : String(Number(value.toPrecision(10)))
}

/** A mean, to as many digits as its confidence interval bears; six without one. */
export function meanText (mean: number, ci95: number | null): string {
  if (ci95 === null || ci95 === 0) {
    return grouped(Number(mean.toPrecision(6)))
  }
  // two digits of the interval
  const decimals = Math.max(0, 1 - Math.floor(Math.log10(ci95)))
  return decimals <= 12 ? grouped(Number(mean.toFixed(decimals)), decimals) : mean.toPrecision(6)
}

export function ciText (ci95: number | null): string {
  return ci95 === null ? '' : ci95 === 0 ? '± 0' : `± ${grouped(Number(ci95.toPrecision(2)))}`
}

/** 1234567.8 → `1 234 567.8`, with a space that does not break. */
function grouped (value: number, decimals?: number): string {
  const text = Math.abs(value) >= 1e15 || (value !== 0 && Math.abs(value) < 1e-6) ? value.toExponential() : value.toFixed(decimals ?? places(value))
  const [whole, fraction] = text.split('.')
  const spaced = text.includes('e') ? whole! : whole!.replace(/\B(?=(\d{3})+$)/g, '\u202f')
  return fraction === undefined ? spaced : `${spaced}.${fraction}`
}

function places (value: number): number {
  return (String(value).split('.')[1] ?? '').length
}
