/** A peer as the machines know it: who it is, and where it stands in the key space. */

/** A peer's name within the machines: opaque, equal when the peer is the same. */
export type PeerKey = string

export interface Contact {
  peer: PeerKey
  /** Where it stands in the key space, 32 bytes */
  kadId: Uint8Array
}
