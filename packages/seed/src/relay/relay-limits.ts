/** What a relay allows: to one circuit, to one peer, and to all together. */

export interface RelayLimits {
  /**
   * Bytes that one circuit carries, both directions together; then it is reset. A long answer of a model is some hundred KiB.
   *
   * @default 16 MiB
   */
  circuitBytes: number
  /**
   * How long one circuit lasts, ms; then it is reset.
   *
   * @default 600_000
   */
  circuitMs: number
  /**
   * Circuits that a peer has at once, whichever end of them it is. One that nobody can dial needs one for each of its callers, and those of callers
   * that vanished count until they are found dead; what it costs at most is bounded by `peerDayBytes`.
   *
   * @default 16
   */
  circuitsPerPeer: number
  /**
   * Circuits of all peers at once.
   *
   * @default 1_000
   */
  maxCircuits: number
  /**
   * Peers that may be reached through this relay at once.
   *
   * @default 1_000
   */
  maxReservations: number
  /**
   * How long a reservation lasts unless it is renewed, ms; it ends with the peer's last connection.
   *
   * @default 1_800_000
   */
  reservationMs: number
  /**
   * Bytes of one peer's circuits in a day (UTC), whichever end of them it is.
   *
   * @default 512 MiB
   */
  peerDayBytes: number
  /**
   * Bytes of all circuits in a calendar month (UTC), each counted once. The machine receives and sends every one of them.
   *
   * @default 100 GB
   */
  monthBytes: number
}

/**
 * A circuit's 16 MiB hold a long answer (some 300 KiB) fifty times over. 100 GB a month are $9 where traffic is dearest among the common clouds
 * ($0.09 a GB out), and nothing where some is included; they carry 300,000 long answers.
 */
export const DEFAULT_RELAY_LIMITS: Readonly<RelayLimits> = {
  circuitBytes: 16 * 2 ** 20,
  circuitMs: 600_000,
  circuitsPerPeer: 16,
  maxCircuits: 1_000,
  maxReservations: 1_000,
  reservationMs: 1_800_000,
  peerDayBytes: 512 * 2 ** 20,
  monthBytes: 100e9
}
