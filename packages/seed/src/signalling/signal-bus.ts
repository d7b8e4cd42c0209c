/** What the seeds of a fleet share for signalling: where each peer is connected, and a channel to each seed. */

/** A seed to which a peer is connected. */
export interface PeerLocation {
  seed: string
  /** Grows with each claim for the peer, whichever seed makes it: the highest is the newest connection */
  token: number
}

export interface SignalBusListener {
  /** Another seed sent this */
  onMessage: (bytes: Uint8Array) => void
  /** The bus was away, and may have forgotten what it was told */
  onRestored: () => void
}

/** Every call that waits rejects with a `SignalBusError` when the bus is away, after 1 s at most. */
export interface SignalBus {
  /** Listens to the channel of this seed. Returns at once; a bus that is away is listened to as soon as it is back */
  start (listener: SignalBusListener): void
  stop (): Promise<void>
  /**
   * Says that the peer is connected to this seed.
   *
   * @param floor - the token is at least this
   * @returns the token of the claim: more than that of any claim for the peer before
   */
  claim (peer: string, floor: number): Promise<number>
  /** Makes a claim last longer. `false` when it is not the newest of this seed for the peer, or is not known any more */
  renew (peer: string, token: number): Promise<boolean>
  /** Takes a claim back. `false` as above */
  release (peer: string, token: number): Promise<boolean>
  /** The seeds that claim the peer, the newest connection first */
  locate (peer: string): Promise<PeerLocation[]>
  /** Sends to another seed; `nobody`: that seed surely does not listen */
  publish (seed: string, bytes: Uint8Array): Promise<'sent' | 'nobody'>
}

/** How long a claim lasts, ms; a seed renews at a third of it. */
export const LOCATION_LIFE_MS = 90_000
/** Seeds that claim one peer at a time: a peer keeps few seeds, and of more the oldest claim goes. */
export const MAX_LOCATIONS = 4

/** The bus is away, or did not answer in time. */
export class SignalBusError extends Error {
  static override name = 'SignalBusError'
  override readonly name = 'SignalBusError'
  /** Whether what was asked for may have been done all the same */
  readonly mayBeDone: boolean

  constructor (message: string, options: { mayBeDone: boolean, cause?: unknown }) {
    super(message, options)
    this.mayBeDone = options.mayBeDone
  }
}
