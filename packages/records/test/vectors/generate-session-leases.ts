/** Writes the vectors of sessions' leases: `node --conditions=skein-source packages/records/test/vectors/generate-session-leases.ts`. Change them only with a new version of the record. */
import { writeFile } from 'node:fs/promises'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { toHex } from '@skein/core'
import { signSessionLease } from '../../src/index.ts'
import type { SessionLease } from '../../src/index.ts'

const seed = Uint8Array.from({ length: 32 }, (_, i) => i)
const privateKey = await generateKeyPairFromSeed('Ed25519', seed)
const holder = peerIdFromPrivateKey(privateKey).toString()
const ownerKey = await generateKeyPairFromSeed('Ed25519', seed.map(byte => byte + 1))
const owner = peerIdFromPrivateKey(ownerKey).toString()
const issuedAtMs = 1_790_000_000_000

const leases: Array<{ name: string, record: SessionLease }> = [
  {
    name: 'at a name',
    record: {
      holder, session: '6jx0q2m8k1v9c4ta', owner, fence: issuedAtMs - 90_000, seat: { term: 2_983_333, fence: 7 },
      place: { region: 'eu-west', ingestHost: 'relay.example.org', ingestPort: 5000, playHost: 'play.example.org', playPort: 4000 },
      issuedAtMs, expiresAtMs: issuedAtMs + 300_000
    }
  },
  {
    name: 'at addresses',
    record: {
      holder, session: 's', owner, fence: 1, seat: { term: 0, fence: 1 },
      place: { region: 'eu-west', ingestHost: '192.0.2.7', ingestPort: 1, playHost: '2001:db8::7', playPort: 65_535 },
      issuedAtMs, expiresAtMs: issuedAtMs + 1
    }
  }
]
const vectors = {
  privateKeySeed: toHex(seed),
  leases: await Promise.all(leases.map(async ({ name, record }) => ({ name, record, envelope: toHex((await signSessionLease(record, privateKey)).envelope) })))
}
await writeFile(new URL('session-leases.json', import.meta.url), `${JSON.stringify(vectors, null, 2)}\n`)
