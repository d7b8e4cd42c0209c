/** What a seed counts of signalling. */
import type { SignalOutcome } from '@skein/records'

/** Whether the receiver was connected to this seed or to another one; `none`: it was not passed on at all. */
export type SignalPath = 'local' | 'remote' | 'none'

export class SignalCounters {
  /** Of signals that this seed took from its peers, by path and outcome */
  readonly outcomes: Record<SignalPath, Partial<Record<SignalOutcome, number>>> = { local: {}, remote: {}, none: {} }
  /** Of signals that other seeds gave it for its peers */
  readonly foreign: Partial<Record<SignalOutcome, number>> = {}
  /** Outcomes of signals that had one already */
  lateOutcomes = 0
  /** Streams and messages that were not of the protocol */
  malformed = 0
  /** Questions to the bus that were not answered */
  busFailures = 0

  count (path: SignalPath, outcome: SignalOutcome): void {
    this.outcomes[path][outcome] = (this.outcomes[path][outcome] ?? 0) + 1
  }

  countForeign (outcome: SignalOutcome): void {
    this.foreign[outcome] = (this.foreign[outcome] ?? 0) + 1
  }
}
