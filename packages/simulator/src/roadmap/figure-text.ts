/** Figures of the roadmap's tables as people read them: three digits and a unit. */

const FACTORS = [['T', 1e12], ['B', 1e9], ['M', 1e6], ['K', 1e3]] as const
/** Below it a number is written out. */
const MANY = 10_000

export function count (value: number): string {
  const [suffix, factor] = value < MANY ? ['', 1] as const : FACTORS.find(([, factor]) => value >= factor) ?? ['', 1] as const
  return `${Number((value / factor).toPrecision(value < MANY && value >= 1_000 ? 4 : 3))}${suffix}`
}

export function bytes (value: number): string {
  const [, number, suffix] = /^([\d.e+-]+)([KMBT]?)$/.exec(count(value)) ?? [undefined, String(value), '']
  return `${number} ${suffix === 'B' ? 'G' : suffix}B`
}

export function rate (value: number): string {
  return `${bytes(value)}/s`
}

export function percent (value: number): string {
  return `${(100 * value).toFixed(1)} %`
}

export function dollars (value: number): string {
  return `$${count(value)}`
}

export function ms (value: number): string {
  return `${value.toFixed(0)} ms`
}
