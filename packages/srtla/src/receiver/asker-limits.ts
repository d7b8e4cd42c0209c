/** Who may ask for a group: an address whose askings failed too often waits. */
import { BoundedMap } from '@skein/core'

export interface AskerLimitsInit {
  /** @default 5 */
  maxFailures?: number
  /** Within which they count together, and for which the address then waits, ms @default 60_000 */
  windowMs?: number
}

interface Failures {
  count: number
  sinceMs: number
  blockedUntilMs: number
}

/** Addresses remembered; at more, the one whose last failure is oldest is forgotten. */
const MAX_ADDRESSES = 4_096

export class AskerLimits {
  private readonly maxFailures: number
  private readonly windowMs: number
  private readonly byAddress = new BoundedMap<string, Failures>({ maxSize: MAX_ADDRESSES })

  constructor (init: AskerLimitsInit = {}) {
    this.maxFailures = init.maxFailures ?? 5
    this.windowMs = init.windowMs ?? 60_000
  }

  isBlocked (asker: string, nowMs: number): boolean {
    return nowMs < (this.byAddress.get(asker)?.blockedUntilMs ?? -Infinity)
  }

  onFailure (asker: string, nowMs: number): void {
    const known = this.byAddress.get(asker)
    const failures = known === undefined || nowMs - known.sinceMs > this.windowMs ? { count: 0, sinceMs: nowMs, blockedUntilMs: -Infinity } : known
    failures.count++
    if (failures.count >= this.maxFailures) {
      failures.blockedUntilMs = nowMs + this.windowMs
      failures.count = 0
      failures.sinceMs = nowMs
    }
    this.byAddress.set(asker, failures)
  }

  /** It has joined what it asked for. */
  onSuccess (asker: string): void {
    this.byAddress.delete(asker)
  }
}

/** Who counts as one asker: an address of IPv4, a /64 of IPv6, which is what one subscriber has. */
export function askerOf (address: string): string {
  if (!address.includes(':')) {
    return address
  }
  const [head = '', tail] = (address.split('%', 1)[0] as string).split('::')
  const left = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const right = tail === '' ? [] : tail.split(':')
    while (left.length + right.length < 8) {
      left.push('0')
    }
    left.push(...right)
  }
  return `${left.slice(0, 4).map(word => word.replace(/^0+(?=.)/, '')).join(':')}::/64`
}
