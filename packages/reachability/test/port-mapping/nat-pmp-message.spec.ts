import { expect } from 'chai'
import fc from 'fast-check'
import {
  decodeAddressAnswer, decodeMapAnswer, encodeAddressQuestion, encodeMapQuestion, isVersionRefusal
} from '../../src/port-mapping/nat-pmp-message.ts'
import { PortMappingError } from '../../src/port-mapping/router-mapping.ts'

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))
const hex = (message: Uint8Array): string => Buffer.from(message).toString('hex')

/** Answers are those of miniupnpd 2.3.1. */
describe('messages of NAT-PMP', () => {
  it('ask for the address, for a port, and for its end', () => {
    expect(hex(encodeAddressQuestion())).to.equal('0000')
    expect(hex(encodeMapQuestion({ internalPort: 7311, externalPort: 7311, lifetimeS: 3600 }))).to.equal('000200001c8f1c8f00000e10')
    expect(hex(encodeMapQuestion({ internalPort: 7311, externalPort: 0, lifetimeS: 0 }))).to.equal('000200001c8f000000000000')
  })

  it('tell the address and the epoch', () => {
    expect(decodeAddressAnswer(bytes('00800000000000012d010702'))).to.deep.equal({ epochS: 1, externalAddress: '45.1.7.2' })
  })

  it('tell the port and its life', () => {
    const answer = bytes('00820000000000021c8f1c8f00000e10')
    expect(decodeMapAnswer(answer, 7311)).to.deep.equal({ epochS: 2, internalPort: 7311, externalPort: 7311, lifetimeS: 3600 })
    expect(decodeMapAnswer(answer, 7312)).to.equal(undefined)
  })

  const refusals: Array<[answer: string, problem: string]> = [
    ['008000030000000200000000', 'no_external_address'], ['00800002000000020000', 'refused'], ['0080000400000002', 'full'], ['008000ff00000002', 'refused']
  ]
  for (const [answer, problem] of refusals) {
    it(`${answer} is a refusal: ${problem}`, () => {
      expect(() => decodeAddressAnswer(bytes(answer))).to.throw(PortMappingError).with.property('problem', problem)
    })
  }

  it('know what a router says to PCP that speaks NAT-PMP alone', () => {
    expect(isVersionRefusal(bytes('0081000100000002'))).to.equal(true)
    expect(isVersionRefusal(bytes('0080000000000001'))).to.equal(false)
    expect(isVersionRefusal(bytes('0281000100000002'))).to.equal(false)
  })

  it('read anything without another error than a refusal', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), fc.integer({ min: 0, max: 65_535 }), (message, port) => {
      for (const read of [() => decodeAddressAnswer(message), () => decodeMapAnswer(message, port), () => isVersionRefusal(message)]) {
        try {
          read()
        } catch (error) {
          expect(error).to.be.instanceOf(PortMappingError)
        }
      }
    }))
  })
})
