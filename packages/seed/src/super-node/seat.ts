/** The candidate's side of elections, as far as a super-node needs it: `SuperNodeService` of `@skein/supernode`, or one that a test makes up. */
import type { LeaseQuota, SuperNodeRole } from '@skein/records'
import type { ElectionVerdict, TermLease, TermState } from '@skein/supernode'

/** What a volunteer says of itself. */
export interface SeatCandidacy {
  addresses: string[]
  claimedBytesPerSecond: number
  roles: SuperNodeRole[]
  /** What is left of what the volunteer gives */
  quota: LeaseQuota
}

export interface Seat {
  readonly state: TermState
  /** Held now, or last */
  readonly lease: Pick<TermLease, 'term' | 'fence' | 'expiresAtMs' | 'withdrawn'> | undefined
  start: () => Promise<void>
  /** The volunteer is within its limits again, or no longer: an unwilling one gives its seat back */
  setWilling: (willing: boolean) => void
  /** Why this peer was elected or not; `undefined` before the first election in which it was a candidate */
  explain: () => ElectionVerdict | undefined
  stop: () => Promise<void>
}
