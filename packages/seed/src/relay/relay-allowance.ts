/** What the owner of a relay gives besides its limits, as a port: asked before a circuit is given, and before bytes pass. */
import type { CircuitEnd } from './relay-ledger.ts'

/** `pass`: they may go. `wait`: ask again after so long. `stop`: the circuit is reset. */
export type ByteAnswer = { type: 'pass' } | { type: 'wait', waitMs: number } | { type: 'stop', why: CircuitEnd }

export interface RelayAllowance {
  /** A circuit for this peer; what is allowed counts at once, and until `onCircuitEnded` */
  onCircuit: (source: string) => boolean
  onCircuitEnded: () => void
  /** So many bytes came in for the other end, 64 KiB at most; what passes is carried */
  onBytes: (bytes: number) => ByteAnswer
}
