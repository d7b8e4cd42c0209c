/** Why this relay reset a circuit; both ends see only that it was. */
import type { CircuitEnd } from './relay-ledger.ts'

export class CircuitResetError extends Error {
  static override name = 'CircuitResetError'
  override readonly name = 'CircuitResetError'
  readonly reason: CircuitEnd | 'stopped'

  constructor (reason: CircuitResetError['reason']) {
    super(`The relay ended the circuit: ${reason}`)
    this.reason = reason
  }
}
