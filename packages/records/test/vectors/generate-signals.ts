/** Writes the vectors of signals: `node --conditions=skein-source packages/records/test/vectors/generate-signals.ts`. Change them only with a new version of the protocol. */
import { writeFile } from 'node:fs/promises'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { ed25519 } from '@noble/curves/ed25519.js'
import { fromHex, toHex } from '@skein/core'
import { encodeSignalFrame, FleetSignal } from '../../src/index.ts'

const alice = peerOf(0)
const bob = peerOf(1)

/** The multihash of the peer whose key's seed is the bytes from `first` to `first` + 31, in hexadecimal; 0 gives the peer of records.json. */
function peerOf (first: number): string {
  const seed = Uint8Array.from({ length: 32 }, (_, i) => first + i)
  const privateKey = privateKeyFromRaw(Uint8Array.from([...seed, ...ed25519.getPublicKey(seed)]))
  return toHex(peerIdFromPrivateKey(privateKey).toMultihash().bytes)
}

const frames = [
  { name: 'an offer, from its sender to a seed', frame: { id: 1, to: bob, kind: 'offer', payload: '6869', timeoutMs: 1_500 } },
  { name: 'the same, from the seed to its receiver', frame: { id: 7, from: alice, kind: 'offer', payload: '6869' } },
  { name: 'the receiver has taken it', frame: { id: 7, outcome: 'delivered' } },
  { name: 'the sender is told so', frame: { id: 1, outcome: 'delivered' } },
  { name: 'a refusal with a time to wait', frame: { id: 300, outcome: 'too_early', retryAfterMs: 50 } },
  { name: 'the seed drains', frame: { id: 0, outcome: 'draining', retryAfterMs: 30_000 } }
]
const fleet = [
  { name: 'a signal between seeds', message: { seed: 'seed-a', id: 4_503_599_627_370_497, from: alice, to: bob, kind: 'candidate', payload: '00ff', lifeMs: 1_990 } },
  { name: 'its outcome', message: { seed: 'seed-b', id: 4_503_599_627_370_497, from: alice, to: bob, kind: 'candidate', outcome: 'peer_not_found' } }
]

interface Hexed { from?: string, to?: string, payload?: string }

/** Bytes are shown in hexadecimal; what is left out is empty or 0. */
export function bytesOf<T extends Hexed> (shown: T): Omit<T, keyof Hexed> & { from: Uint8Array<ArrayBuffer>, to: Uint8Array<ArrayBuffer>, payload: Uint8Array<ArrayBuffer> } {
  return { ...shown, from: fromHex(shown.from ?? ''), to: fromHex(shown.to ?? ''), payload: fromHex(shown.payload ?? '') }
}

if (import.meta.main) {
  await writeFile(new URL('signals.json', import.meta.url), `${JSON.stringify({
    about: 'Frames of /skein/signal/1.0.0, `hex` with the length before them, and messages between seeds, without. Bytes are shown in hexadecimal.',
    frames: frames.map(({ name, frame }) => ({ name, frame, hex: toHex(encodeSignalFrame(bytesOf(frame))) })),
    fleet: fleet.map(({ name, message }) => ({ name, message, hex: toHex(FleetSignal.encode(bytesOf(message))) }))
  }, null, 2)}\n`)
}
