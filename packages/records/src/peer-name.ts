/** Peer ids between text and bytes. */
import { peerIdFromMultihash, peerIdFromString } from '@libp2p/peer-id'
import * as Digest from 'multiformats/hashes/digest'
import { RecordError } from './record-error.ts'

/** The multihash of a peer id given as text. @throws {RecordError} `malformed` */
export function peerIdBytesOf (peer: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(peerIdFromString(peer).toMultihash().bytes)
  } catch (error) {
    throw new RecordError('malformed', `Not a peer id: ${JSON.stringify(peer.slice(0, 80))}`, { cause: error })
  }
}

/** The text of a peer id given as its multihash. @throws {RecordError} `malformed` */
export function peerNameOf (bytes: Uint8Array): string {
  try {
    return peerIdFromMultihash(Digest.decode(bytes) as Parameters<typeof peerIdFromMultihash>[0]).toString()
  } catch (error) {
    throw new RecordError('malformed', `Not the multihash of a peer id: ${bytes.length} bytes`, { cause: error })
  }
}
