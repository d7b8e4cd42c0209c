/** Writes the vectors of leases: `node --conditions=skein-source packages/records/test/vectors/generate-leases.ts`. Change them only with a new version of the record. */
import { writeFile } from 'node:fs/promises'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { toHex } from '@skein/core'
import { signSuperNodeLease } from '../../src/index.ts'
import type { SuperNodeLease } from '../../src/index.ts'

const seed = Uint8Array.from({ length: 32 }, (_, i) => i)
const privateKey = await generateKeyPairFromSeed('Ed25519', seed)
const peer = peerIdFromPrivateKey(privateKey).toString()
const issuedAtMs = 1_790_000_000_000

const leases: Array<{ name: string, record: SuperNodeLease }> = [
  {
    name: 'a lease with every field',
    record: {
      peer, region: 'eu-west', term: 2_983_333, fence: 7, roles: ['hub', 'relay', 'stun', 'ingest'],
      addresses: ['/ip4/192.0.2.7/tcp/7310', '/ip6/2001:db8:1::7/tcp/7310'],
      networks: [{ small: '192.0.2.0/24', wide: '192.0.0.0/16', system: 64496 }, { small: '2001:db8:1::/48', wide: '2001:db8::/32' }],
      quota: { bytesToday: 50_000_000_000, bytesThisMonth: 0, bytesPerSecond: 2_500_000, reservations: 900, circuits: 120 },
      issuedAtMs, expiresAtMs: issuedAtMs + 600_000, withdrawn: false
    }
  },
  {
    name: 'a seat given back, with nothing else set',
    record: {
      peer, region: 'eu-west', term: 2_983_333, fence: 8, roles: ['relay'], addresses: [], networks: [], quota: {},
      issuedAtMs, expiresAtMs: issuedAtMs + 60_000, withdrawn: true
    }
  }
]
const vectors = {
  privateKeySeed: toHex(seed),
  leases: await Promise.all(leases.map(async ({ name, record }) => ({ name, record, envelope: toHex((await signSuperNodeLease(record, privateKey)).envelope) })))
}
await writeFile(new URL('leases.json', import.meta.url), `${JSON.stringify(vectors, null, 2)}\n`)
