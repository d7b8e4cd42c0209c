/** What dial-back has done. */

/** Counted since the start. */
export interface DialBackCounters {
  /** Peers verified, reached or not */
  verified_total: number
  /** Peers whose bandwidth was measured by this node */
  measured_total: number
  /** Bytes of measurements, both directions, whoever measured */
  measurement_bytes_total: number
  /** Asks of others that were answered */
  answered_total: number
  /** Requests of others that were refused or broke off */
  refused_total: number
}
