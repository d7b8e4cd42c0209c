import { readFileSync } from 'node:fs'
import { generateKeyPair, generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { fromHex, toHex } from '@skein/core'
import { expect } from 'chai'
import { LEASE_KIND, MAX_LEASE_LIFE_MS, openSuperNodeLease, RecordError, sealEnvelope, signSuperNodeLease } from '../src/index.ts'
import { SuperNodeLeaseRecord } from '../src/pb/lease.ts'
import type { RecordErrorReason, SuperNodeLease } from '../src/index.ts'

const NOW_MS = 1_790_000_000_000
const privateKey = await generateKeyPair('Ed25519')
const peer = peerIdFromPrivateKey(privateKey).toString()

function lease (changes: Partial<SuperNodeLease> = {}): SuperNodeLease {
  return {
    peer, region: 'eu-west', term: 1, fence: 1, roles: ['relay'], addresses: ['/ip4/192.0.2.7/tcp/7310'],
    networks: [{ small: '192.0.2.0/24', wide: '192.0.0.0/16' }], quota: { bytesToday: 0 }, issuedAtMs: NOW_MS,
    expiresAtMs: NOW_MS + MAX_LEASE_LIFE_MS, withdrawn: false, ...changes
  }
}

async function reasonOf (action: Promise<unknown>): Promise<RecordErrorReason | 'accepted'> {
  try {
    await action
    return 'accepted'
  } catch (error) {
    expect(error).to.be.instanceOf(RecordError)
    return (error as RecordError).reason
  }
}

async function openLater (changes: Partial<SuperNodeLease>, laterMs: number): Promise<unknown> {
  return await openSuperNodeLease((await signSuperNodeLease(lease(changes), privateKey)).envelope, NOW_MS + laterMs)
}

describe('leases of super-nodes', () => {
  it('come back as they were signed', async () => {
    const { envelope } = await signSuperNodeLease(lease(), privateKey)
    expect((await openSuperNodeLease(envelope, NOW_MS)).lease).to.deep.equal(lease())
  })

  it('tell a quota that is used up from one that there is not', async () => {
    const { envelope } = await signSuperNodeLease(lease({ quota: { bytesToday: 0 } }), privateKey)
    expect((await openSuperNodeLease(envelope, NOW_MS)).lease.quota).to.deep.equal({ bytesToday: 0 })
  })

  it('may name roles that this version does not know', async () => {
    const payload = SuperNodeLeaseRecord.encode({ ...lease(), lifeMs: 1000, addresses: [], networks: [], roles: ['juggle', 'stun'] })
    const { lease: { roles } } = await openSuperNodeLease(await sealEnvelope(LEASE_KIND, payload, privateKey), NOW_MS)
    expect(roles).to.deep.equal(['stun'])
  })

  const refused: Array<[string, () => Promise<unknown>, RecordErrorReason]> = [
    ['one signed by another peer', async () => await signSuperNodeLease(lease(), await generateKeyPair('Ed25519')), 'wrong_signer'],
    ['one whose life is over', async () => await openLater({}, MAX_LEASE_LIFE_MS), 'expired'],
    ['one from more than 60 s in the future', async () => await openLater({}, -60_001), 'future'],
    ['one of ten minutes ago', async () => await openLater({ issuedAtMs: NOW_MS - 600_000, expiresAtMs: NOW_MS }, 0), 'expired'],
    ['a life of more than ten minutes', async () => await openLater({ expiresAtMs: NOW_MS + MAX_LEASE_LIFE_MS + 1 }, 0), 'life_too_long'],
    ['more than 2 KiB', async () => await openSuperNodeLease(new Uint8Array(2049), NOW_MS), 'oversize'],
    ['one without a role', async () => await signSuperNodeLease(lease({ roles: [] }), privateKey), 'malformed'],
    ['five networks', async () => await openLater({ networks: Array.from({ length: 5 }, () => ({ small: 'a', wide: 'b' })) }, 0), 'malformed'],
    ['nine addresses', async () => await signSuperNodeLease(lease({ addresses: new Array(9).fill('/ip4/1.2.3.4/tcp/1') }), privateKey), 'malformed'],
    ['a fence of 0', async () => await signSuperNodeLease(lease({ fence: 0 }), privateKey), 'malformed'],
    ['a payload that is no lease', async () =>
      await openSuperNodeLease(await sealEnvelope(LEASE_KIND, Uint8Array.of(255, 255), privateKey), NOW_MS), 'malformed']
  ]
  for (const [name, action, reason] of refused) {
    it(`refuse ${name}: ${reason}`, async () => {
      expect(await reasonOf(action())).to.equal(reason)
    })
  }

  const vectors = JSON.parse(readFileSync(new URL('vectors/leases.json', import.meta.url), 'utf8'))
  for (const { name, record, envelope } of vectors.leases) {
    it(`are signed and opened as in the vector: ${name}`, async () => {
      const key = await generateKeyPairFromSeed('Ed25519', fromHex(vectors.privateKeySeed))
      expect(toHex((await signSuperNodeLease(record, key)).envelope)).to.equal(envelope)
      expect((await openSuperNodeLease(fromHex(envelope), record.issuedAtMs)).lease).to.deep.equal(record)
    })
  }
})
