/** How those find each other that belong together and are not connected: behind it stands the DHT, or a table in a test. */

export interface Found {
  peer: string
  /** Where it can be dialled; empty when that is to be found out */
  addresses: string[]
}

export interface Rendezvous {
  /** Lets those that seek this part of the network find this node, until the signal fires. The empty part is the whole network */
  advertise: (scope: string, signal: AbortSignal) => Promise<void>
  /** Those that advertise it; ends when no more are found, or the signal fires */
  seek: (scope: string, signal: AbortSignal) => AsyncIterable<Found>
}
