import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect } from 'chai'
import {
  CredentialTextError, credentialText, MAX_CREDENTIAL_LIFE_MS, openCredential, parseCredentials, readCredential, signCredential
} from '../src/index.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { Credential, RecordError } from '../src/index.ts'

const NOW_MS = 1_800_000_000_000

describe('a credential', () => {
  let authority: PrivateKey
  let credential: Credential

  before(async () => {
    authority = await generateKeyPair('Ed25519')
    const subject = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
    credential = { id: '0123456789abcdef'.repeat(2), subject, issuedAtMs: NOW_MS, expiresAtMs: NOW_MS + 90 * 86_400_000, note: 'the lab\'s second machine' }
  })

  async function reason (work: Promise<unknown>): Promise<string> {
    return await work.then(() => 'none', (error: RecordError) => error.reason)
  }

  it('says who vouches for whom and until when', async () => {
    const opened = await openCredential(await signCredential(credential, authority), NOW_MS)
    expect(opened.credential).to.deep.equal(credential)
    expect(opened.authority).to.equal(peerIdFromPrivateKey(authority).toString())
  })

  it('is refused before its time, after it, and changed', async () => {
    const envelope = await signCredential(credential, authority)
    expect(await reason(openCredential(envelope, NOW_MS - 61_000))).to.equal('future')
    expect(await reason(openCredential(envelope, credential.expiresAtMs))).to.equal('expired')
    expect((await readCredential(envelope)).credential.id).to.equal(credential.id)
    envelope[envelope.length - 1]! ^= 1
    expect(await reason(openCredential(envelope, NOW_MS))).to.equal('signature')
    expect(await reason(openCredential(new Uint8Array(5_000), NOW_MS))).to.equal('oversize')
  })

  it('is not signed with an id, a life or a note that it may not have', async () => {
    const sign = async (changes: Partial<Credential>): Promise<string> => await reason(signCredential({ ...credential, ...changes }, authority))
    expect(await sign({ id: 'short' })).to.equal('malformed')
    expect(await sign({ expiresAtMs: NOW_MS })).to.equal('life_too_long')
    expect(await sign({ expiresAtMs: NOW_MS + MAX_CREDENTIAL_LIFE_MS + 1 })).to.equal('life_too_long')
    expect(await sign({ note: 'x'.repeat(129) })).to.equal('malformed')
    expect(await sign({ note: 'two\nlines' })).to.equal('malformed')
  })

  it('is kept in a file, with certificates of the same peer', async () => {
    const envelope = await signCredential(credential, authority)
    const certificate = `-----BEGIN CERTIFICATE-----\n${btoa('der')}\n-----END CERTIFICATE-----\n`
    const parsed = parseCredentials(`Of the lab\n${credentialText(envelope)}${certificate}${certificate}`)
    expect(parsed.map(({ type }) => type)).to.deep.equal(['token', 'certificate'])
    expect(parsed[0]).to.deep.equal({ type: 'token', envelope })
    expect(parsed[1]?.type === 'certificate' && parsed[1].chain.map(der => Buffer.from(der).toString())).to.deep.equal(['der', 'der'])
  })

  const WRONG: Array<[what: string, text: string, problem: string]> = [
    ['without one', 'nothing', 'Expected a'],
    ['that is too long', 'x'.repeat(70_000), 'at most'],
    ['with one that is not base64', '-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----', 'not base64'],
    ['with more than a seed looks at', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'.repeat(5), 'At most 4']
  ]
  for (const [what, text, problem] of WRONG) {
    it(`is not read from a file ${what}`, () => {
      expect(() => parseCredentials(text)).to.throw(CredentialTextError, problem)
    })
  }
})
