/** Counts of what greeting neighbours did, for metrics. */
import type { SampleResult } from './network-coordinate.ts'

/** All only grow. */
export interface NeighbourhoodCounters {
  greetings_sent_total: number
  greetings_answered_total: number
  greetings_failed_total: number
  /** Greetings of others */
  greetings_received_total: number
  /** Not answered: their peer asked too often, or too many did */
  greetings_refused_total: number
  /** Round trips over connections that are not relayed, by what the coordinate did with them */
  samples_total: Record<SampleResult, number>
  zone_changes_total: number
  offences_total: Record<'malformed', number>
}

export function newNeighbourhoodCounters (): NeighbourhoodCounters {
  return {
    greetings_sent_total: 0,
    greetings_answered_total: 0,
    greetings_failed_total: 0,
    greetings_received_total: 0,
    greetings_refused_total: 0,
    samples_total: { moved: 0, malformed: 0, too_soon: 0, outlier: 0 },
    zone_changes_total: 0,
    offences_total: { malformed: 0 }
  }
}
