/** What the process of the bench and its children tell each other: an order, and what came of it (`Outcome`). */

export type ClientsOrder =
  /** Connect that share of the clients as fast as it goes, and register them where that is wanted */
  | { order: 'join', tcp: string, ws: string, register: boolean, share: number }
  /** Register again when it is time and discover at the allowed rate */
  | { order: 'work', forMs: number }
  /** Close all connections */
  | { order: 'leave' }

/** Milliseconds of each, and how often what went wrong. */
export interface Outcome {
  connectMs: number[]
  registerMs: number[]
  discoverMs: number[]
  failures: Record<string, number>
  /** Clients that have a connection at the end */
  connected: number
}

export interface Usage {
  cpuSeconds: number
  rssBytes: number
}

export function emptyOutcome (): Outcome {
  return { connectMs: [], registerMs: [], discoverMs: [], failures: {}, connected: 0 }
}
