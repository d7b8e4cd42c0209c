/** How full a super-node is, by what its lease says is left of what it gives: 0 to 1. */
import type { LeaseQuota } from '@skein/records'

/** With so much left it counts as half full: a lease tells what is left and not how much there was. */
const HALF: Readonly<Required<LeaseQuota>> = {
  reservations: 64,
  circuits: 16,
  bytesPerSecond: 1_000_000,
  bytesToday: 1_000_000_000,
  bytesThisMonth: 10_000_000_000
}

/** That of the scarcest; 0 when nothing is limited, 1 when something is used up. */
export function leaseLoad (quota: LeaseQuota): number {
  const loads = Object.entries(HALF).map(([field, half]) => {
    const left = quota[field as keyof LeaseQuota]
    return left === undefined ? 0 : half / (half + Math.max(0, left))
  })
  return Math.max(...loads)
}
