/** The numbers of the random streams that Kademlia takes, of the 100 that `engine/streams.ts` leaves to it. */
export const KademliaStream = {
  /** Ids: entity is the node (of a network that is not stored, the cell), counter the half or the place */
  id: 100,
  /** Nodes in a cell of a network that is not stored */
  cellCount: 101,
  /** Entries of buckets: entity is the node, counter the bucket and the draw */
  bucket: 102,
  /** Who looks up what: entity is the lookup */
  lookup: 103,
  /** Joins: entity is the node that joins */
  join: 104,
  /** Round trips: entity is the sender, counter the receiver */
  roundTrip: 105,
  /** Which nodes do not answer, and which stand behind a NAT */
  silent: 106,
  /** The share of a bucket that was met on one errand */
  cluster: 107,
  /** When a node refreshes its buckets */
  refresh: 108
} as const
