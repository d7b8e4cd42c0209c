/** How a connection ends other than by being closed. */

/** Nothing was heard from the other side for too long. */
export class SrtPeerGoneError extends Error {
  static override name = 'SrtPeerGoneError'
  override readonly name = 'SrtPeerGoneError'
  readonly idleMs: number

  constructor (idleMs: number) {
    super(`Nothing was heard from the other side of the SRT connection for ${Math.round(idleMs)} ms`)
    this.idleMs = idleMs
  }
}

/** The other side closed the connection, or gave up data, before all of a stream had arrived. */
export class SrtTruncatedError extends Error {
  static override name = 'SrtTruncatedError'
  override readonly name = 'SrtTruncatedError'
  /** Packets that are known to be missing, of what was received, and that were not acknowledged, of what was sent */
  readonly missingPackets: number
  readonly unacknowledgedPackets: number

  constructor (missingPackets: number, unacknowledgedPackets: number) {
    super(`The SRT stream ended early: ${missingPackets} packets are missing, ${unacknowledgedPackets} are not acknowledged`)
    this.missingPackets = missingPackets
    this.unacknowledgedPackets = unacknowledgedPackets
  }
}

/** The connection is closed already, or being closed. */
export class SrtClosedError extends Error {
  static override name = 'SrtClosedError'
  override readonly name = 'SrtClosedError'

  constructor (message = 'The SRT connection is closed') {
    super(message)
  }
}
