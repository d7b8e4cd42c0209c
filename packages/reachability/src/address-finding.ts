/** What addresses say of themselves, and which of them others dialled in vain. */
import type { AddressFinding } from './findings.ts'

export function failedAt (addresses: readonly AddressFinding[], ...origins: Array<AddressFinding['origin']>): AddressFinding[] {
  return addresses.filter(({ origin, reached, failed }) => origins.includes(origin) && reached === 0 && failed > 0)
}

export function hostOf (address: string): string {
  return address.split('/')[2] ?? ''
}

export function portOf (address: string): string {
  return /\/tcp\/(\d+)/.exec(address)?.[1] ?? '?'
}

export function isIPv6 (address: string): boolean {
  return address.startsWith('/ip6/')
}

/** RFC 6598. */
export function isSharedAddress (host: string): boolean {
  const [a = 0, b = 0] = host.split('.').map(Number)
  return a === 100 && b >= 64 && b < 128
}
