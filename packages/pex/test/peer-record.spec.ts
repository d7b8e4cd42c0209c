import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { expect } from 'chai'
import { MAX_PEER_RECORD_LIFE_MS, openPeerRecord, signPeerRecord } from '../src/index.ts'

const key = await generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(7))
const relay = (i: number): string => `/ip4/203.0.113.${i}/tcp/4001/p2p/12D3KooWLRPJAA5o6KyPc4xQgdCV4aFfkU3sZ9zqvCJwmsrE6dKa/p2p-circuit`
const life = { issuedAtMs: 1000, expiresAtMs: 1000 + MAX_PEER_RECORD_LIFE_MS }

describe('a peer record', () => {
  it('says what was signed', async () => {
    const addresses = ['/ip4/203.0.113.1/tcp/4001', '/ip6/2001:db8::1/tcp/4001/ws', '/dns4/peer.example.com/tcp/443/tls/ws']
    const signed = await signPeerRecord({ ...life, addresses }, key)
    const opened = await openPeerRecord(signed.envelope, 2000)
    expect(opened).to.deep.equal(signed)
    expect(opened).to.deep.include({ ...life, addresses })
  })

  it('is small enough that 50 with two addresses fit into a message of 16 KiB, and that one with four relays fits into its bound', async () => {
    const plain = await signPeerRecord({ ...life, addresses: ['/ip4/203.0.113.1/tcp/4001', '/ip6/2001:db8::1/tcp/4001/ws'] }, key)
    const relayed = await signPeerRecord({ ...life, addresses: [1, 2, 3, 4, 5].map(relay) }, key)
    expect(plain.envelope.length).to.be.below(200)
    expect(50 * (plain.envelope.length + 3)).to.be.below(16 * 1024)
    expect(relayed.addresses).to.have.length(4)
    expect(relayed.envelope.length).to.be.below(400)
  })

  it('lives two hours at most, whatever is asked for', async () => {
    const signed = await signPeerRecord({ issuedAtMs: 0, expiresAtMs: 1e9, addresses: [] }, key)
    expect(signed.expiresAtMs).to.equal(MAX_PEER_RECORD_LIFE_MS)
  })

  for (const [what, reason, change] of [
    ['has expired', 'expired', undefined],
    ['was changed', 'signature', (bytes: Uint8Array) => { bytes[bytes.length - 1]! ^= 1 }],
    ['is not one', 'malformed', (bytes: Uint8Array) => { bytes.fill(255) }]
  ] as const) {
    it(`is refused when it ${what}`, async () => {
      const { envelope } = await signPeerRecord({ ...life, addresses: [] }, key)
      change?.(envelope)
      const error = await openPeerRecord(envelope, change === undefined ? life.expiresAtMs : 2000).then(() => undefined, (error: unknown) => error)
      expect(error).to.deep.include({ name: 'RecordError', reason })
    })
  }

  it('is refused when it is too large', async () => {
    const error = await openPeerRecord(new Uint8Array(513), 0).then(() => undefined, (error: unknown) => error)
    expect(error).to.deep.include({ name: 'RecordError', reason: 'oversize' })
    const long = Array.from({ length: 4 }, (_, i) => `/dns4/${'a'.repeat(60)}.${'b'.repeat(60)}.${i}.example.com/tcp/1`)
    expect(await signPeerRecord({ ...life, addresses: long }, key).then(() => undefined, (error: unknown) => error)).to.deep.include({ reason: 'oversize' })
  })
})
