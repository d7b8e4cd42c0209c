/** Peer ids like those of Ed25519 keys, without the keys. */
import { SeededRandom } from '@skein/core'
import { peerNameOf } from '@skein/records'

export function testPeer (index: number): string {
  const random = new SeededRandom(index)
  return peerNameOf(Uint8Array.from([0, 0x24, 8, 1, 0x12, 0x20, ...Array.from({ length: 32 }, () => random.nextUint32() & 255)]))
}
