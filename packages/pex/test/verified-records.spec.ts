import { generateKeyPair } from '@libp2p/crypto/keys'
import { expect } from 'chai'
import { signPeerRecord, VerifiedRecords } from '../src/index.ts'

async function envelope (issuedAtMs: number): Promise<Uint8Array> {
  const addresses = ['/ip4/203.0.113.1/tcp/1']
  return (await signPeerRecord({ addresses, issuedAtMs, expiresAtMs: issuedAtMs + 60_000 }, await generateKeyPair('Ed25519'))).envelope
}

async function refusal (work: Promise<unknown>): Promise<string> {
  return await work.then(() => 'none', error => error.reason)
}

describe('VerifiedRecords', () => {
  it('check the signature of a record once, and its life each time', async () => {
    const verified = new VerifiedRecords()
    const bytes = await envelope(1_000)
    const first = await verified.open(bytes, 1_000)
    expect(await verified.open(Uint8Array.from(bytes), 60_999)).to.deep.equal(first)
    expect(verified.checked).to.equal(1)
    expect(await refusal(verified.open(bytes, 61_000))).to.equal('expired')
  })

  it('know no record whose signature is another', async () => {
    const verified = new VerifiedRecords()
    const bytes = await envelope(1_000)
    await verified.open(bytes, 1_000)
    for (let fromEnd = 1; fromEnd <= 64; fromEnd += 9) {
      const changed = Uint8Array.from(bytes, (byte, i) => i === bytes.length - fromEnd ? byte ^ 1 : byte)
      expect(await refusal(verified.open(changed, 1_000))).to.equal('signature')
    }
    expect(verified.size).to.equal(1)
  })

  it('remember as many as they may', async () => {
    const verified = new VerifiedRecords({ maxRecords: 3 })
    const all = await Promise.all(Array.from({ length: 5 }, async () => await envelope(1_000)))
    for (const bytes of all) {
      await verified.open(bytes, 1_000)
    }
    expect(verified.size).to.equal(3)
    await verified.open(all[4] as Uint8Array, 1_000)
    expect(verified.checked).to.equal(5)
    await verified.open(all[0] as Uint8Array, 1_000)
    expect(verified.checked).to.equal(6)
  })
})
