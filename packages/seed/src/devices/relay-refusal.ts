/** Why a message of a device was not accepted, as the `error` message tells it. */

/**
 * The first five are those of existing servers.
 *
 * - `invalid_json`: not JSON, not UTF-8, too deep, or a member named twice
 * - `invalid_message`: not one key, or a field is missing or wrong
 * - `invalid_register`: the same in a registration, or `nodeID` and `publicKey` differ
 * - `unsupported_message`: an unknown kind, or one that only servers send
 * - `peer_not_found`: the receiver is not registered here (any more)
 * - `invalid_signature`: the signature is not that of the sender's key
 * - `not_registered`: all but `register` needs a registration first
 * - `already_registered`: one socket is one device
 * - `wrong_sender`: `fromNodeID` or `requestingNodeID` is not the socket's own registration
 * - `queue_full`: the receiver reads too slowly; this message was not passed on
 * - `rate_limited`: too many; `retryAfterSeconds` tells when to come back
 * - `message_too_large`: larger than its kind may be
 * - `server_full`: all places are taken
 * - `relay_only`: the receiver takes relayed messages only
 */
export type RelayRefusalCode =
  | 'invalid_json' | 'invalid_message' | 'invalid_register' | 'unsupported_message' | 'peer_not_found'
  | 'invalid_signature' | 'not_registered' | 'already_registered' | 'wrong_sender' | 'queue_full' | 'rate_limited'
  | 'message_too_large' | 'server_full' | 'relay_only'

export interface RelayRefusalInit extends ErrorOptions {
  /** The kind of the message */
  about?: string
  /** The device and session it was for: what the sender has to give up or repeat */
  toNodeID?: string
  sessionID?: string
  retryAfterMs?: number
  /** The form of the message, where that could be told */
  wrapped?: boolean
}

export class RelayRefusal extends Error {
  static override name = 'RelayRefusal'
  override readonly name = 'RelayRefusal'
  readonly code: RelayRefusalCode
  readonly about?: string
  readonly toNodeID?: string
  readonly sessionID?: string
  readonly retryAfterMs?: number
  readonly wrapped?: boolean

  constructor (code: RelayRefusalCode, message: string, init: RelayRefusalInit = {}) {
    super(message, init)
    this.code = code
    this.about = init.about
    this.toNodeID = init.toNodeID
    this.sessionID = init.sessionID
    this.retryAfterMs = init.retryAfterMs
    this.wrapped = init.wrapped
  }
}
