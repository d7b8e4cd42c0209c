/** The candidate's side of elections, as far as a super-node needs it: `SuperNodeService` of `@skein/supernode`, or one that a test makes up. */
import type { ElectionVerdict, TermLease, TermState } from '@skein/supernode'

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
