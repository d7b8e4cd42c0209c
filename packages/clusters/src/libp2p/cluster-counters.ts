/** What the driver of a cluster's member counts. */
export interface ClusterCounters {
  /** Messages over streams, questions among them */
  messages_sent_total: number
  messages_received_total: number
  /** Peers that could not be dialled, or did not take a message or answer it in time */
  sends_failed_total: number
  /** Not sent: too many were under way */
  sends_dropped_total: number
  /** Bytes of messages over streams, without what the transport adds */
  sent_bytes_total: number
  received_bytes_total: number
  notices_published_total: number
  notices_received_total: number
  notices_refused_total: number
  /** Streams reset because their peer opened too many */
  streams_refused_total: number
  questions_total: number
  questions_failed_total: number
  offences_total: number
}

export function newClusterCounters (): ClusterCounters {
  return {
    messages_sent_total: 0,
    messages_received_total: 0,
    sends_failed_total: 0,
    sends_dropped_total: 0,
    sent_bytes_total: 0,
    received_bytes_total: 0,
    notices_published_total: 0,
    notices_received_total: 0,
    notices_refused_total: 0,
    streams_refused_total: 0,
    questions_total: 0,
    questions_failed_total: 0,
    offences_total: 0
  }
}
