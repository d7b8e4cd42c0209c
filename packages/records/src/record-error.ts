/** Why a signed record was refused. */

/**
 * - `oversize`: more bytes than a record may have
 * - `malformed`: not an envelope, not the expected payload, or a field out of its bounds
 * - `signature`: the signature does not fit the payload
 * - `wrong_signer`: signed by another key than the peer it speaks of
 * - `wrong_type`: a valid envelope of another payload type
 * - `expired`: its life is over
 * - `future`: issued more than 60 s in the future
 * - `life_too_long`: it claims a longer life than its kind may have
 * - `replayed`: not newer than what is known of that peer
 */
export type RecordErrorReason =
  | 'oversize' | 'malformed' | 'signature' | 'wrong_signer' | 'wrong_type' | 'expired' | 'future' | 'life_too_long' | 'replayed'

export class RecordError extends Error {
  static override name = 'RecordError'
  override readonly name = 'RecordError'
  readonly reason: RecordErrorReason

  constructor (reason: RecordErrorReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}
