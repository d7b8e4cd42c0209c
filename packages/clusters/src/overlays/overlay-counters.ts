/** Counts of what model overlays did, for metrics. All only grow. */
export interface OverlayCounters {
  overlay_joins_total: number
  overlay_leaves_total: number
  /** Own offers told in topics */
  overlay_offers_told_total: number
  /** Own offers that waited because enough was said */
  overlay_offers_deferred_total: number
  /** Offers of others that were news */
  overlay_offers_heard_total: number
  /** … that were not, or came too soon or from too many */
  overlay_offers_ignored_total: number
  /** Messages that no honest peer sends */
  overlay_offers_rejected_total: number
  /** Lookups made only to count providers */
  overlay_counts_total: number
  /** Providers dialled because too few of a topic were connected */
  overlay_dials_total: number
}

export function newOverlayCounters (): OverlayCounters {
  return {
    overlay_joins_total: 0,
    overlay_leaves_total: 0,
    overlay_offers_told_total: 0,
    overlay_offers_deferred_total: 0,
    overlay_offers_heard_total: 0,
    overlay_offers_ignored_total: 0,
    overlay_offers_rejected_total: 0,
    overlay_counts_total: 0,
    overlay_dials_total: 0
  }
}
