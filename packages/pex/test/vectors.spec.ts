import { readFile } from 'node:fs/promises'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { concatBytes, fromHex, toHex } from '@skein/core'
import { expect } from 'chai'
import { openPeerRecord, PEX_OFFENCES, signPeerRecord } from '../src/index.ts'
import { ExchangeMessage } from '../src/pb/exchange.ts'

interface Vectors {
  records: Array<{ name: string, seed: number, addresses: string[], issuedAtMs: number, expiresAtMs: number, hex: string }>
  messages: Array<{ name: string, records: number[], wanted: number, retryAfterMs: number, hex: string }>
}

const vectors = JSON.parse(await readFile(new URL('vectors/exchange.json', import.meta.url), 'utf8')) as Vectors

describe('Messages of peer exchange', () => {
  for (const { name, seed, addresses, issuedAtMs, expiresAtMs, hex } of vectors.records) {
    it(`are signed and opened as in the vector: ${name}`, async () => {
      const key = await generateKeyPairFromSeed('Ed25519', Uint8Array.from({ length: 32 }, (_, i) => i + seed))
      expect(toHex((await signPeerRecord({ addresses, issuedAtMs, expiresAtMs }, key)).envelope)).to.equal(hex)
      expect(await openPeerRecord(fromHex(hex), issuedAtMs)).to.deep.include({ addresses, issuedAtMs, expiresAtMs })
    })
  }
  for (const { name, records, wanted, retryAfterMs, hex } of vectors.messages) {
    it(`are written and read as in the vector: ${name}`, () => {
      const message = { records: records.map(i => Uint8Array.from(fromHex(vectors.records[i]?.hex as string))), wanted, retryAfterMs }
      const bytes = ExchangeMessage.encode(message)
      expect(toHex(concatBytes(varint(bytes.length), bytes))).to.equal(hex)
      expect(ExchangeMessage.decode(bytes)).to.deep.equal(message)
    })
  }

  it('are in the specification as in the vectors, with all offences', async () => {
    const spec = await readFile(new URL('../../../docs/specs/peer-exchange.md', import.meta.url), 'utf8')
    for (const { hex } of [...vectors.records, ...vectors.messages]) {
      expect(spec).to.include(`\`${hex}\``)
    }
    for (const offence of PEX_OFFENCES) {
      expect(spec).to.include(`\`${offence}\``)
    }
  })
})

function varint (length: number): Uint8Array {
  return Uint8Array.from(length < 128 ? [length] : [length & 127 | 128, length >> 7])
}
