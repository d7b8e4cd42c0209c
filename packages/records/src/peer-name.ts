/** Peer ids between text and bytes. */
import { peerIdFromString } from '@libp2p/peer-id'
import { RecordError } from './record-error.ts'

/** The multihash of a peer id given as text. @throws {RecordError} `malformed` */
export function peerIdBytesOf (peer: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(peerIdFromString(peer).toMultihash().bytes)
  } catch (error) {
    throw new RecordError('malformed', `Not a peer id: ${JSON.stringify(peer.slice(0, 80))}`, { cause: error })
  }
}
