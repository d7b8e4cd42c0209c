/** What is counted of gossip; all only grow. */
export interface GossipCounters {
  published_total: number
  published_bytes_total: number
  /** Of joined topics, duplicates included */
  received_bytes_total: number
  messages_accepted_total: number
  /** By the topic's own rule */
  messages_ignored_total: number
  messages_rejected_total: number
  /** Beyond what one publisher may send */
  publisher_over_rate_total: number
  /** Beyond what one neighbour may send; their signatures were not checked */
  messages_over_rate_total: number
  /** Too large, or with fields that no implementation writes */
  messages_oversize_total: number
  /** Of topics that this node has not joined */
  messages_unjoined_total: number
  /** Whole RPCs of a neighbour that sends too many */
  rpcs_dropped_total: number
  /** Peers that a neighbour told of without a signed record */
  px_unsigned_total: number
  /** Streams to a neighbour that were lost and opened again */
  streams_reopened_total: number
  /** A topic's own code threw */
  handler_errors_total: number
}

export function newGossipCounters (): GossipCounters {
  return {
    published_total: 0,
    published_bytes_total: 0,
    received_bytes_total: 0,
    messages_accepted_total: 0,
    messages_ignored_total: 0,
    messages_rejected_total: 0,
    publisher_over_rate_total: 0,
    messages_over_rate_total: 0,
    messages_oversize_total: 0,
    messages_unjoined_total: 0,
    rpcs_dropped_total: 0,
    px_unsigned_total: 0,
    streams_reopened_total: 0,
    handler_errors_total: 0
  }
}
