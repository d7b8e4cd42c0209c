/** The numbers of the random streams: one for each use, so that two uses of one seed have nothing in common. A number is never used again. */

export const Stream = {
  /** Identifiers of nodes and devices: entity is the serial number, counter 0 the upper and 1 the lower half */
  nodeId: 1,
  /** The generator that a node's machines are given: entity is the node */
  machine: 2,
  /** Where a node is: its region, its access network */
  placement: 3,
  /** What happens to a message on its way: entity is the sender, counter its messages */
  transmission: 4,
  /** What NAT a node is behind */
  natClass: 5,
  /** Whether two nodes can punch through: entity is the pair */
  natPair: 6,
  /** How wrong a node's clock is */
  clockSkew: 7,
  /** Whether a device is online at the start, and for how long it stays so */
  churnStart: 8,
  /** Sessions after the first: entity is the device, counter the session */
  churnSession: 9,
  /** Where a node stands of which nothing is kept */
  place: 10,
  /** Kademlia: tables, joins, lookups. 100 to 199 */
  kademlia: 100,
  /** Scenarios: 200 and above, each the numbers it names */
  scenario: 200
} as const
