import { readFileSync } from 'node:fs'
import { generateKeyPair, generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { fromHex, toHex } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import {
  CANDIDACY_KIND, MAX_CANDIDACY_LIFE_MS, MAX_REPORT_LIFE_MS, openSuperNodeCandidacy, openSuperNodeReport, RecordError, REPORT_KIND, sealEnvelope,
  signSuperNodeCandidacy, signSuperNodeReport
} from '../src/index.ts'
import { CandidacyRecord } from '../src/pb/election.ts'
import type { RecordErrorReason, SuperNodeCandidacy, SuperNodeReport } from '../src/index.ts'

const NOW_MS = 1_790_000_000_000
const privateKey = await generateKeyPair('Ed25519')
const otherKey = await generateKeyPair('Ed25519')
const peer = peerIdFromPrivateKey(privateKey).toString()
const other = peerIdFromPrivateKey(otherKey).toString()
const network = { small: '192.0.2.0/24', wide: '192.0.0.0/16' }

function candidacy (changes: Partial<SuperNodeCandidacy> = {}): SuperNodeCandidacy {
  return {
    peer, region: 'eu-west', seq: 1, roles: ['relay'], addresses: ['/ip4/192.0.2.7/tcp/7310'], networks: [network], claimedBytesPerSecond: 1_000_000,
    issuedAtMs: NOW_MS, expiresAtMs: NOW_MS + MAX_CANDIDACY_LIFE_MS, withdrawn: false, ...changes
  }
}

function report (changes: Partial<SuperNodeReport> = {}): SuperNodeReport {
  return {
    verifier: peer, candidate: other, region: 'eu-west', reachable: true, networks: [network], bytesPerSecond: 5_000_000, ageMs: 7_200_000, uptime: 0.99,
    relay: { score: 0.5, dealings: 3 }, issuedAtMs: NOW_MS, expiresAtMs: NOW_MS + MAX_REPORT_LIFE_MS, ...changes
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

async function openCandidacy (changes: Partial<SuperNodeCandidacy>, laterMs: number): Promise<unknown> {
  return await openSuperNodeCandidacy((await signSuperNodeCandidacy(candidacy(changes), privateKey)).envelope, NOW_MS + laterMs)
}

async function openReport (changes: Partial<SuperNodeReport>, laterMs: number): Promise<unknown> {
  return await openSuperNodeReport((await signSuperNodeReport(report(changes), privateKey)).envelope, NOW_MS + laterMs)
}

const vectors = JSON.parse(readFileSync(new URL('vectors/elections.json', import.meta.url), 'utf8'))

describe('candidacies of super-nodes', () => {
  it('come back as they were signed', async () => {
    const { envelope } = await signSuperNodeCandidacy(candidacy(), privateKey)
    expect((await openSuperNodeCandidacy(envelope, NOW_MS)).candidacy).to.deep.equal(candidacy())
  })

  it('may name roles that this version does not know', async () => {
    const payload = CandidacyRecord.encode({ ...candidacy(), lifeMs: 1000, addresses: [], networks: [], roles: ['juggle', 'stun'] })
    const opened = await openSuperNodeCandidacy(await sealEnvelope(CANDIDACY_KIND, payload, privateKey), NOW_MS)
    expect(opened.candidacy.roles).to.deep.equal(['stun'])
  })

  const refused: Array<[string, () => Promise<unknown>, RecordErrorReason]> = [
    ['one signed by another peer', async () => await signSuperNodeCandidacy(candidacy(), otherKey), 'wrong_signer'],
    ['one whose life is over', async () => await openCandidacy({}, MAX_CANDIDACY_LIFE_MS), 'expired'],
    ['one from more than 60 s in the future', async () => await openCandidacy({}, -60_001), 'future'],
    ['a life of more than half an hour', async () => await openCandidacy({ expiresAtMs: NOW_MS + MAX_CANDIDACY_LIFE_MS + 1 }, 0), 'life_too_long'],
    ['more than 1.5 KiB', async () => await openSuperNodeCandidacy(new Uint8Array(1537), NOW_MS), 'oversize'],
    ['one without a role', async () => await openCandidacy({ roles: [] }, 0), 'malformed'],
    ['nine addresses', async () => await openCandidacy({ addresses: Array.from({ length: 9 }, () => '/ip4/192.0.2.7/tcp/1') }, 0), 'malformed'],
    ['five networks', async () => await openCandidacy({ networks: Array.from({ length: 5 }, () => network) }, 0), 'malformed'],
    ['a claim that is no number', async () => await openCandidacy({ claimedBytesPerSecond: Number.NaN }, 0), 'malformed'],
    ['a report', async () => await openSuperNodeCandidacy((await signSuperNodeReport(report(), privateKey)).envelope, NOW_MS), 'wrong_type']
  ]
  for (const [name, action, reason] of refused) {
    it(`refuse ${name}: ${reason}`, async () => {
      expect(await reasonOf(action())).to.equal(reason)
    })
  }

  for (const { name, record, envelope } of vectors.candidacies) {
    it(`are signed and opened as in the vector: ${name}`, async () => {
      const key = await generateKeyPairFromSeed('Ed25519', fromHex(vectors.privateKeySeed))
      expect(toHex((await signSuperNodeCandidacy(record, key)).envelope)).to.equal(envelope)
      expect((await openSuperNodeCandidacy(fromHex(envelope), record.issuedAtMs)).candidacy).to.deep.equal(record)
    })
  }
})

describe('reports on candidates', () => {
  it('come back as they were signed', async () => {
    const { envelope } = await signSuperNodeReport(report(), privateKey)
    expect((await openSuperNodeReport(envelope, NOW_MS)).report).to.deep.equal(report())
  })

  it('tell what was not measured from what was measured as nothing', async () => {
    const { bytesPerSecond: _speed, uptime: _uptime, relay: _relay, ...bare } = report()
    for (const given of [bare, { ...bare, bytesPerSecond: 0, uptime: 0, relay: { score: 0, dealings: 0 } }]) {
      const { envelope } = await signSuperNodeReport(given, privateKey)
      expect((await openSuperNodeReport(envelope, NOW_MS)).report).to.deep.equal(given)
    }
  })

  const refused: Array<[string, () => Promise<unknown>, RecordErrorReason]> = [
    ['one signed by another peer', async () => await signSuperNodeReport(report({ candidate: peer, verifier: other }), privateKey), 'wrong_signer'],
    ['one on oneself', async () => await signSuperNodeReport(report({ candidate: peer }), privateKey), 'malformed'],
    ['one whose life is over', async () => await openReport({}, MAX_REPORT_LIFE_MS), 'expired'],
    ['one from more than 60 s in the future', async () => await openReport({}, -60_001), 'future'],
    ['a life of more than six hours', async () => await openReport({ expiresAtMs: NOW_MS + MAX_REPORT_LIFE_MS + 1 }, 0), 'life_too_long'],
    ['more than 768 bytes', async () => await openSuperNodeReport(new Uint8Array(769), NOW_MS), 'oversize'],
    ['a score above 1', async () => await openReport({ relay: { score: 1.1, dealings: 1 } }, 0), 'malformed'],
    ['an uptime above 1', async () => await openReport({ uptime: 1.1 }, 0), 'malformed'],
    ['an age of eleven years', async () => await openReport({ ageMs: 11 * 365 * 86_400_000 }, 0), 'malformed'],
    ['five networks', async () => await openReport({ networks: Array.from({ length: 5 }, () => network) }, 0), 'malformed'],
    ['a payload that is no report', async () => await openSuperNodeReport(await sealEnvelope(REPORT_KIND, Uint8Array.of(255), privateKey), NOW_MS), 'malformed']
  ]
  for (const [name, action, reason] of refused) {
    it(`refuse ${name}: ${reason}`, async () => {
      expect(await reasonOf(action())).to.equal(reason)
    })
  }

  for (const { name, record, envelope } of vectors.reports) {
    it(`are signed and opened as in the vector: ${name}`, async () => {
      const key = await generateKeyPairFromSeed('Ed25519', fromHex(vectors.privateKeySeed))
      expect(toHex((await signSuperNodeReport(record, key)).envelope)).to.equal(envelope)
      expect((await openSuperNodeReport(fromHex(envelope), record.issuedAtMs)).report).to.deep.equal(record)
    })
  }
})

describe('what anybody may send in the place of a candidacy or a report', () => {
  it('is refused with a RecordError, or is one that its signer signed', async () => {
    const envelopes = [(await signSuperNodeCandidacy(candidacy(), privateKey)).envelope, (await signSuperNodeReport(report(), privateKey)).envelope]
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(), fc.integer({ min: 1, max: 255 }), async (junk, at, flip) => {
      for (const envelope of envelopes) {
        const damaged = Uint8Array.from(envelope)
        damaged[at % damaged.length] = (damaged[at % damaged.length] as number) ^ flip
        const payload = await Promise.all([CANDIDACY_KIND, REPORT_KIND].map(async kind => await sealEnvelope(kind, junk, privateKey)))
        for (const bytes of [junk, damaged, ...payload]) {
          for (const open of [openSuperNodeCandidacy, openSuperNodeReport]) {
            await open(bytes, NOW_MS).catch((error: unknown) => { expect(error).to.be.instanceOf(RecordError) })
          }
        }
      }
    }), { numRuns: 100 })
  })
})
