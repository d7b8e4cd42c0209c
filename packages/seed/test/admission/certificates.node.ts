import { readFile, writeFile } from 'node:fs/promises'
import { parseCredentials } from '@skein/records'
import { expect } from 'chai'
import { judgeChain } from '../../src/admission/certificate-chain.ts'
import { CertificateFileError, readAuthorities, readRevocations } from '../../src/node/index.ts'
import { certificateRule } from '../../src/index.ts'
import { AdmittedWorld, identity, until } from './admitted-world.ts'
import { CertificateAuthority, publicPem } from './certificate-authority.ts'
import type { ChainVerdict } from '../../src/admission/certificate-chain.ts'
import type { Identity } from './admitted-world.ts'

describe('certificates of an authority that the operator names', function () {
  this.timeout(60_000)
  const world = new AdmittedWorld()
  let authority: CertificateAuthority
  let peer: Identity

  beforeEach(async () => {
    authority = await CertificateAuthority.open()
    peer = await identity()
  })
  afterEach(async () => {
    await world.stop()
    await authority.close()
  })

  async function judge (files: string[], of = peer.id, nowMs = Date.now()): Promise<string> {
    const texts = await Promise.all(files.map(async file => await readFile(file, 'utf8')))
    const chain = parseCredentials(texts.join('')).flatMap(one => one.type === 'certificate' ? one.chain : [])
    return said(judgeChain(of, chain, readAuthorities(await readFile(authority.path('ca.pem'), 'utf8')), nowMs))
  }

  it('hold for the peer whose key they certify, Ed25519 or secp256k1, and for nobody else', async () => {
    const other = await identity('secp256k1')
    const own = await authority.certify('own', publicPem(peer.privateKey))
    const others = await authority.certify('other', publicPem(other.privateKey))
    expect(await judge([own])).to.equal('valid')
    expect(await judge([others], other.id)).to.equal('valid')
    expect(await judge([others])).to.equal('invalid')
  })

  it('do not hold when another authority issued them, before their time, after it, or changed', async () => {
    const stranger = await CertificateAuthority.open(['-algorithm', 'ed25519'])
    try {
      expect(await judge([await stranger.certify('own', publicPem(peer.privateKey))])).to.equal('unknown_authority')
    } finally {
      await stranger.close()
    }
    const file = await authority.certify('own', publicPem(peer.privateKey))
    expect(await judge([file], peer.id, Date.now() - 3_600_000)).to.equal('expired')
    expect(await judge([file], peer.id, Date.now() + 31 * 86_400_000)).to.equal('expired')
    const der = Buffer.from((await readFile(file, 'utf8')).replace(/-----[^-]*-----/g, ''), 'base64')
    der[der.length - 1]! ^= 1
    const authorities = readAuthorities(await readFile(authority.path('ca.pem'), 'utf8'))
    expect(said(judgeChain(peer.id, [der], authorities, Date.now()))).to.equal('unknown_authority')
    expect(said(judgeChain(peer.id, [Buffer.from('junk')], authorities, Date.now()))).to.equal('invalid')
  })

  it('hold through an authority in between, not through one that is none, nor with a critical extension that nobody knows', async () => {
    await authority.openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'between.key')
    await authority.openssl('pkey', '-in', 'between.key', '-pubout', '-out', 'between.pub')
    const between = await readFile(authority.path('between.pub'), 'utf8')
    await writeFile(authority.path('ca.ext'), 'basicConstraints=critical,CA:true,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n')
    await authority.certify('between', between, ['-days', '30', '-extfile', 'ca.ext'])
    const own = await authority.certify('own', publicPem(peer.privateKey), ['-days', '30'], 'between')
    expect(await judge([own, authority.path('between.pem')])).to.equal('valid')
    expect(await judge([own])).to.equal('unknown_authority')
    await authority.certify('between', between, ['-days', '30'])
    expect(await judge([own, authority.path('between.pem')])).to.equal('unknown_authority')
    await writeFile(authority.path('odd.ext'), '1.2.3.4=critical,ASN1:UTF8String:odd\n')
    expect(await judge([await authority.certify('odd', publicPem(peer.privateKey), ['-days', '30', '-extfile', 'odd.ext'])])).to.equal('invalid')
  })

  for (const key of [['-algorithm', 'ed25519'], ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'], ['-algorithm', 'RSA']]) {
    it(`let a peer in, and drop it when a list of an authority with a key of ${key[1]} revokes them`, async () => {
      await authority.close()
      authority = await CertificateAuthority.open(key)
      const authorities = readAuthorities(await readFile(authority.path('ca.pem'), 'utf8'))
      await authority.revoke()
      let list = readRevocations(await readFile(authority.path('crl.pem')), authorities)
      const seed = await world.seed('certificate', [certificateRule({ authorities: () => authorities, isRevoked: one => list.revoked.has(one) })])
      const other = await identity()
      const visit = async (name: string, who: Identity): Promise<void> => {
        const credentials = parseCredentials(await readFile(await authority.certify(name, publicPem(who.privateKey)), 'utf8'))
        await world.registered(seed, (await world.visit(seed, { privateKey: who.privateKey, credentials })).peer.id)
      }
      await visit('bad', peer)
      await visit('good', other)
      const { refusals } = await world.visit(seed)
      await until(() => refusals.length > 0)
      expect(refusals[0]?.unmet[0]?.problem).to.equal('missing')

      await authority.revoke('bad')
      list = readRevocations(await readFile(authority.path('crl.pem')), authorities)
      expect(list.revoked.size).to.equal(1)
      expect(list.nextUpdateMs).to.be.within(Date.now() + 29 * 86_400_000, Date.now() + 31 * 86_400_000)
      await seed.admission?.recheck()
      await until(async () => !await world.isRegistered(seed, peer.id))
      expect(await world.isRegistered(seed, other.id)).to.equal(true)
    })
  }

  it('are not revoked by a list that somebody else signed, nor by one that was changed', async () => {
    const stranger = await CertificateAuthority.open()
    try {
      await stranger.revoke()
      const authorities = readAuthorities(await readFile(authority.path('ca.pem'), 'utf8'))
      const list = await readFile(stranger.path('crl.pem'))
      expect(() => readRevocations(list, authorities)).to.throw(CertificateFileError, 'not signed by any authority')
      expect(() => readRevocations(Buffer.from('junk'), authorities)).to.throw(CertificateFileError, 'cannot be read')
      expect(() => readAuthorities('nothing')).to.throw(CertificateFileError, 'no certificate')
    } finally {
      await stranger.close()
    }
  })
})

function said (verdict: ChainVerdict): string {
  return verdict.valid ? 'valid' : verdict.problem
}
