import { readFileSync } from 'node:fs'
import { generateKeyPair, generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { fromHex, toHex } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { MAX_SESSION_LEASE_LIFE_MS, openSessionLease, sealEnvelope, SESSION_LEASE_KIND, signSessionLease } from '../src/index.ts'
import { SessionLeaseRecord } from '../src/pb/session-lease.ts'
import type { RecordError, SessionLease, StreamPlace } from '../src/index.ts'

const NOW_MS = 1_790_000_000_000
const privateKey = await generateKeyPair('Ed25519')
const holder = peerIdFromPrivateKey(privateKey).toString()
const PLACE: StreamPlace = { region: 'eu-west', ingestHost: '192.0.2.7', ingestPort: 5000, playHost: 'play.example.org', playPort: 4000 }

function lease (changes: Partial<SessionLease> = {}): SessionLease {
  return {
    holder, session: 's', owner: holder, fence: 1, seat: { term: 1, fence: 1 }, place: PLACE, issuedAtMs: NOW_MS,
    expiresAtMs: NOW_MS + MAX_SESSION_LEASE_LIFE_MS, ...changes
  }
}

async function reasonOf (action: Promise<unknown>): Promise<string> {
  return await action.then(() => 'accepted', (error: RecordError) => error.reason)
}

describe('leases of sessions', () => {
  it('come back as they were signed, from who signed them', async () => {
    const { envelope } = await signSessionLease(lease(), privateKey)
    expect((await openSessionLease(envelope)).lease).to.deep.equal(lease())
  })

  it('name who signed them as the holder, whatever was meant', async () => {
    const other = await generateKeyPair('Ed25519')
    const { envelope } = await signSessionLease(lease(), other)
    expect((await openSessionLease(envelope)).lease.holder).to.equal(peerIdFromPrivateKey(other).toString())
  })

  const refused: Array<[string, Partial<SessionLease>, string]> = [
    ['a session of 33 bytes', { session: 's'.repeat(33) }, 'malformed'],
    ['no session', { session: '' }, 'malformed'],
    ['a fence of 0', { fence: 0 }, 'malformed'],
    ['an owner that is no peer', { owner: 'ann' }, 'malformed'],
    ['a host with a line break', { place: { ...PLACE, ingestHost: 'a\nb' } }, 'malformed'],
    ['a host that is an option', { place: { ...PLACE, ingestHost: '-o' } }, 'malformed'],
    ['a host that is a URL', { place: { ...PLACE, playHost: 'http://a/' } }, 'malformed'],
    ['a host of 254 bytes', { place: { ...PLACE, playHost: 'a'.repeat(254) } }, 'malformed'],
    ['port 0', { place: { ...PLACE, ingestPort: 0 } }, 'malformed'],
    ['port 65536', { place: { ...PLACE, playPort: 65_536 } }, 'malformed']
  ]
  for (const [name, changes, reason] of refused) {
    it(`refuse ${name}: ${reason}`, async () => {
      expect(await reasonOf(signSessionLease(lease(changes), privateKey))).to.equal(reason)
    })
  }

  it('refuse what lives for more than five minutes, and what nobody signed', async () => {
    const { envelope } = await signSessionLease(lease({ expiresAtMs: NOW_MS + 300_001 }), privateKey)
    expect(await reasonOf(openSessionLease(envelope))).to.equal('life_too_long')
    expect(await reasonOf(openSessionLease((await signSessionLease(lease(), privateKey)).envelope.fill(7, -8)))).to.equal('signature')
    expect(await reasonOf(openSessionLease(new Uint8Array(1_025)))).to.equal('oversize')
  })

  it('refuse hostile hosts that somebody has signed', async () => {
    await fc.assert(fc.asyncProperty(fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }), async host => {
      const payload = SessionLeaseRecord.encode({
        ...PLACE, session: 's', owner: peerIdFromPrivateKey(privateKey).toMultihash().bytes, fence: 1, seatTerm: 1, seatFence: 1, issuedAtMs: NOW_MS,
        lifeMs: 1_000, ingestHost: host
      })
      const reason = await reasonOf(openSessionLease(await sealEnvelope(SESSION_LEASE_KIND, payload, privateKey)))
      expect(reason).to.equal(/^[0-9a-z:.-]+$/i.test(host) && reason === 'accepted' ? 'accepted' : 'malformed')
    }), { numRuns: 60 })
  })

  const vectors = JSON.parse(readFileSync(new URL('vectors/session-leases.json', import.meta.url), 'utf8'))
  for (const { name, record, envelope } of vectors.leases) {
    it(`are signed and opened as in the vector: ${name}`, async () => {
      const key = await generateKeyPairFromSeed('Ed25519', fromHex(vectors.privateKeySeed))
      expect(toHex((await signSessionLease(record, key)).envelope)).to.equal(envelope)
      expect((await openSessionLease(fromHex(envelope))).lease).to.deep.equal(record)
    })
  }
})
