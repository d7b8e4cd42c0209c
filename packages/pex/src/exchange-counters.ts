/** Counts of what peer exchange did, for metrics, and what a remote can do wrong in it. */

/**
 * - `too_soon`: asked again within a minute
 * - `too_many`: more records than a message may hold, or than were asked for
 * - `duplicate`: two records of one peer in a message
 * - `unsolicited`: an answer to nothing
 * - `oversize`: more than 16 KiB
 * - `malformed`: not a message
 * - `bad_record`: a record that its peer did not sign, or that breaks its bounds
 */
export const PEX_OFFENCES = ['too_soon', 'too_many', 'duplicate', 'unsolicited', 'oversize', 'malformed', 'bad_record'] as const
export type PexOffence = typeof PEX_OFFENCES[number]

/** All only grow. */
export interface ExchangeCounters {
  asks_total: number
  asks_failed_total: number
  asks_refused_total: number
  answers_total: number
  refused_for_load_total: number
  /** Streams that were reset: too many messages were being read, or one of the same peer was */
  refused_busy_total: number
  records_received_total: number
  records_added_total: number
  records_dropped_total: number
  /** Not taken: of their source, or their network, the view has its share */
  records_crowded_total: number
  offences_total: Record<PexOffence, number>
}

export function newExchangeCounters (): ExchangeCounters {
  return {
    asks_total: 0,
    asks_failed_total: 0,
    asks_refused_total: 0,
    answers_total: 0,
    refused_for_load_total: 0,
    refused_busy_total: 0,
    records_received_total: 0,
    records_added_total: 0,
    records_dropped_total: 0,
    records_crowded_total: 0,
    offences_total: { too_soon: 0, too_many: 0, duplicate: 0, unsolicited: 0, oversize: 0, malformed: 0, bad_record: 0 }
  }
}
