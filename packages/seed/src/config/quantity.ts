/** Amounts as people write them: `10GB`, `1.5 GiB`, `20Mbit`, `2.5 MB/s`, `50%`; and back. */

const DECIMAL = ['', 'k', 'm', 'g', 't']

/** Bytes; decimal (kB, MB, GB, TB) or binary (KiB, MiB, GiB, TiB) units. `undefined` for what is none. */
export function parseBytes (text: string): number | undefined {
  const [, number, prefix = '', binary] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?$/i.exec(text.trim()) ?? []
  if (number === undefined || (prefix === '' && binary !== '')) {
    return undefined
  }
  return inRange(Math.round(Number(number) * (binary === '' ? 1000 : 1024) ** DECIMAL.indexOf(prefix.toLowerCase())))
}

/** Bytes/s, from bits (`20Mbit`, `20 Mbit/s`, `20Mbps`) or bytes (`2.5MB`, `2.5 MB/s`): `b` is bits and `B` bytes; no other capital matters. */
export function parseRate (text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)(bits?|bps|b|B)(?:\/s)?$/.exec(lowerPrefix(text.trim()))
  const [, number, prefix = '', binary = '', unit = ''] = match ?? []
  if (number === undefined || (prefix === '' && binary !== '')) {
    return undefined
  }
  const perUnit = (binary === '' ? 1000 : 1024) ** DECIMAL.indexOf(prefix)
  return inRange(Math.round(Number(number) * perUnit / (unit === 'B' ? 1 : 8)))
}

/** 0 to 1, from `50%` or `0.5`. */
export function parseShare (text: string): number | undefined {
  const [, number, sign] = /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(text.trim()) ?? []
  const share = Number(number) / (sign === '%' ? 100 : 1)
  return number !== undefined && share > 0 && share <= 1 ? share : undefined
}

/** `10 GB` */
export function formatBytes (bytes: number): string {
  return `${scaled(bytes)}B`
}

/** `20 Mbit/s` */
export function formatRate (bytesPerSecond: number): string {
  return `${scaled(bytesPerSecond * 8)}bit/s`
}

export function formatShare (share: number): string {
  return `${Number((share * 100).toPrecision(4))}%`
}

function scaled (amount: number): string {
  const step = Math.min(DECIMAL.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, amount)) / 3)))
  const value = amount / 1000 ** step
  // what was given is written as it was; what was counted needs three digits
  const text = Number.isInteger(value * 1000) ? String(value) : value.toPrecision(Math.max(3, Math.floor(Math.log10(value)) + 1))
  return `${text} ${['', 'k', 'M', 'G', 'T'][step]}`
}

function lowerPrefix (text: string): string {
  return text.replace(/^([\d.\s]+)([KMGT])/, (_, number: string, prefix: string) => number + prefix.toLowerCase()).replace(/Bit/i, 'bit')
}

function inRange (amount: number): number | undefined {
  return Number.isSafeInteger(amount) ? amount : undefined
}
