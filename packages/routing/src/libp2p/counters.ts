/** Counts of what the service did, for metrics. All only grow, but the gauges named in `ModelRouting`. */
export interface RoutingCounters {
  lookups_total: number
  requests_total: number
  request_failures_total: number
  requests_answered_total: number
  requests_refused_for_load_total: number
  offers_stored_total: number
  offers_found_total: number
  streams_opened_total: number
  dials_total: number
  protocol_errors_total: number
  /** Offers that were not stored for others, by reason */
  stores_refused_total: Record<string, number>
  /** Offers in answers that were not believed, by reason */
  offers_rejected_total: Record<string, number>
  /** Peers that were kept out of the routing table because of those of their network in it, by reason */
  table_refusals_total: Record<string, number>
}

export function newCounters (): RoutingCounters {
  return {
    lookups_total: 0,
    requests_total: 0,
    request_failures_total: 0,
    requests_answered_total: 0,
    requests_refused_for_load_total: 0,
    offers_stored_total: 0,
    offers_found_total: 0,
    streams_opened_total: 0,
    dials_total: 0,
    protocol_errors_total: 0,
    stores_refused_total: {},
    offers_rejected_total: {},
    table_refusals_total: {}
  }
}

/** The reasons are a closed set, so the record stays small. */
export function count (counts: Record<string, number>, reason: string): void {
  counts[reason] = (counts[reason] ?? 0) + 1
}
