/** Writes the vectors of candidacies and reports: `node --conditions=skein-source packages/records/test/vectors/generate-elections.ts`. Change them only with a new version of the record. */
import { writeFile } from 'node:fs/promises'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { toHex } from '@skein/core'
import { signSuperNodeCandidacy, signSuperNodeReport } from '../../src/index.ts'
import type { SuperNodeCandidacy, SuperNodeReport } from '../../src/index.ts'

const seed = Uint8Array.from({ length: 32 }, (_, i) => i)
const privateKey = await generateKeyPairFromSeed('Ed25519', seed)
const peer = peerIdFromPrivateKey(privateKey).toString()
const candidate = peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(1))).toString()
const issuedAtMs = 1_790_000_000_000

const candidacies: Array<{ name: string, record: SuperNodeCandidacy }> = [
  {
    name: 'a candidacy with every field',
    record: {
      peer, region: 'eu-west', seq: issuedAtMs, roles: ['hub', 'relay', 'stun', 'ingest'],
      addresses: ['/ip4/192.0.2.7/tcp/7310', '/ip6/2001:db8:1::7/tcp/7310'],
      networks: [{ small: '192.0.2.0/24', wide: '192.0.0.0/16', system: 64496 }, { small: '2001:db8:1::/48', wide: '2001:db8::/32' }],
      claimedBytesPerSecond: 12_500_000, issuedAtMs, expiresAtMs: issuedAtMs + 1_800_000, withdrawn: false
    }
  },
  {
    name: 'a candidacy that is taken back, with nothing else set',
    record: {
      peer, region: 'eu-west', seq: issuedAtMs + 1, roles: ['relay'], addresses: [], networks: [], claimedBytesPerSecond: 0,
      issuedAtMs, expiresAtMs: issuedAtMs + 60_000, withdrawn: true
    }
  }
]
const reports: Array<{ name: string, record: SuperNodeReport }> = [
  {
    name: 'a report with every field',
    record: {
      verifier: peer, candidate, region: 'eu-west', reachable: true,
      networks: [{ small: '198.51.100.0/24', wide: '198.51.0.0/16', system: 64497 }, { small: '2001:db8:2::/48', wide: '2001:db8::/32' }],
      bytesPerSecond: 11_250_000, ageMs: 259_200_000, uptime: 0.98765, relay: { score: 0.8125, dealings: 412 }, inference: { score: 0.2, dealings: 1 },
      issuedAtMs, expiresAtMs: issuedAtMs + 21_600_000
    }
  },
  {
    name: 'a report of one that was not reached',
    record: { verifier: peer, candidate, region: 'eu-west', reachable: false, networks: [], ageMs: 0, issuedAtMs, expiresAtMs: issuedAtMs + 60_000 }
  }
]
const vectors = {
  privateKeySeed: toHex(seed),
  candidacies: await Promise.all(candidacies.map(async ({ name, record }) =>
    ({ name, record, envelope: toHex((await signSuperNodeCandidacy(record, privateKey)).envelope) }))),
  reports: await Promise.all(reports.map(async ({ name, record }) =>
    ({ name, record, envelope: toHex((await signSuperNodeReport(record, privateKey)).envelope) })))
}
await writeFile(new URL('elections.json', import.meta.url), `${JSON.stringify(vectors, null, 2)}\n`)
