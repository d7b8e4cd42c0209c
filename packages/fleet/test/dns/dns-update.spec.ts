import { expect } from 'chai'
import fc from 'fast-check'
import { decodeAnswer, DnsFormatError, encodeName, encodeUpdate } from '../../src/dns/dns-update.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

describe('A message of DNS UPDATE', () => {
  it('takes all from a name and gives it one target', () => {
    const update = encodeUpdate({ id: 0x1234, zone: 'relay.test', name: 'a.relay.test', target: { type: 'A', address: Uint8Array.of(192, 0, 2, 1) }, ttlSeconds: 60 })
    const name = '01610572656c6179047465737400'
    expect(hex(update)).to.equal('1234280000010000000400000572656c617904746573740000060001' +
      [`${name}000100ff000000000000`, `${name}001c00ff000000000000`, `${name}000500ff000000000000`, `${name}000100010000003c0004c0000201`].join(''))
  })

  it('is only written for names of DNS', () => {
    expect(hex(encodeName('Relay.Test.'))).to.equal('0572656c6179047465737400')
    for (const name of ['', 'a..b', 'x'.repeat(64), `${'x'.repeat(60)}.`.repeat(5) + 'x']) {
      expect(() => encodeName(name), name).to.throw(RangeError)
    }
  })

  it('is answered by a message, or by what is refused as none', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      try {
        decodeAnswer(bytes)
      } catch (error) {
        expect(error).to.be.instanceOf(DnsFormatError)
      }
    }), { numRuns: 5_000 })
    // as above, with few records: most random ones break off in the questions
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(2), fc.nat(2), (bytes, questions, records) => {
      try {
        decodeAnswer(Uint8Array.of(0, 1, 0xa8, 0, 0, questions, 0, 0, 0, 0, 0, records, ...bytes))
      } catch (error) {
        expect(error).to.be.instanceOf(DnsFormatError)
      }
    }), { numRuns: 5_000 })
  })
})
