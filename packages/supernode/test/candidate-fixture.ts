/** Candidates for tests: eligible ones unless told otherwise, each in networks of its own. */
import fc from 'fast-check'
import type { SuperNodeCandidate } from '../src/index.ts'

export const DAY_MS = 86_400_000
export const NOW_MS = 1_790_000_000_000

export function candidate (peer: number | string, changes: Partial<SuperNodeCandidate> = {}): SuperNodeCandidate {
  const number = typeof peer === 'number' ? peer : 0
  return {
    peer: typeof peer === 'number' ? `peer-${peer}` : peer,
    networks: [{ small: `10.${number}.0/24`, wide: `10.${number}/16`, system: number }],
    verifiedFrom: 3,
    ageMs: 30 * DAY_MS,
    uptime: 1,
    reputation: 1,
    measuredBytesPerSecond: 10_000_000,
    claimedBytesPerSecond: 10_000_000,
    ...changes
  }
}

/** Networks as they are in the world: a /24 is in one /16, a /16 in one system, which may not be known. */
function networks (small: number, known: boolean): SuperNodeCandidate['networks'] {
  const wide = Math.floor(small / 3)
  return [{ small: `n${small}/24`, wide: `n${wide}/16`, ...known ? { system: wide >> 1 } : {} }]
}

/** Up to 40 candidates, some of them not eligible, crowded into 36 /24s, 12 /16s and 6 systems. */
export const candidates: fc.Arbitrary<SuperNodeCandidate[]> = fc.array(fc.record({
  small: fc.nat(35),
  known: fc.boolean(),
  verifiedFrom: fc.integer({ min: 2, max: 5 }),
  ageMs: fc.integer({ min: 3_600_000, max: 20 * DAY_MS }),
  uptime: fc.double({ min: 0.9, max: 1, noNaN: true }),
  reputation: fc.double({ min: 0.4, max: 1, noNaN: true }),
  measuredBytesPerSecond: fc.integer({ min: 1_500_000, max: 80_000_000 }),
  claimedBytesPerSecond: fc.integer({ min: 900_000, max: 80_000_000 }),
  incumbent: fc.boolean()
}), { maxLength: 40 }).map(list => list.map(({ small, known, ...rest }, i) =>
  candidate(i, { ...rest, networks: networks(small, known && small % 3 > 0) })))
