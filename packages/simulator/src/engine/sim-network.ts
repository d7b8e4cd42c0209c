/** What carries messages in a simulated world. What it decides depends on its arguments and on what it decided for the same node before. */

/** How two nodes are connected. */
export type ConnectPath = 'direct' | 'punched' | 'relayed'

export interface ConnectPlan {
  path: ConnectPath
  /** Round trips until the connection can be used, 1 or more */
  roundTrips: number
}

export interface SimNetwork {
  /** No message from one node to another takes less, ms. Above 0: it is how far threads may run ahead of each other */
  readonly leastLatencyMs: number
  /**
   * Sends a message: puts the delay of each copy that arrives into `delaysMs` and returns how many do, 0 to 2. `counter` tells the sender's
   * messages apart. Called in the order of the sender's messages.
   */
  transmit: (from: number, to: number, sizeBytes: number, nowMs: number, counter: number, delaysMs: Float64Array) => number
  /** How long a message that arrives waits until the receiver has read it; `undefined` when it is dropped. Called in the order of arrivals */
  admit?: (to: number, sizeBytes: number, nowMs: number) => number | undefined
  /** How `from` gets a connection to `to`; `undefined` when it cannot. Default: direct, after `1` round trip */
  plan?: (from: number, to: number) => ConnectPlan | undefined
}
