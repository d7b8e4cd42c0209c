import { expect } from 'chai'
import fc from 'fast-check'
import { decodePcpAnnounce, decodePcpMap, encodePcpAnnounce, encodePcpMap } from '../../src/port-mapping/pcp-message.ts'
import { PortMappingError } from '../../src/port-mapping/router-mapping.ts'

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
const hex = (message: Uint8Array): string => Buffer.from(message).toString('hex')
const NONCE = new Uint8Array(12).fill(7)
const ASKED = { nonce: NONCE, internalPort: 7312 }

/** Answers are those of miniupnpd 2.3.1. */
describe('messages of PCP', () => {
  it('ask for a port of TCP', () => {
    expect(hex(encodePcpMap({ client: '192.168.1.2', ...ASKED, externalPort: 7312, lifetimeS: 3600 }))).to.equal([
      '02', '01', '0000', '00000e10', '00000000000000000000ffffc0a80102', '070707070707070707070707', '06', '000000', '1c90', '1c90',
      '00000000000000000000ffff00000000'
    ].join(''))
  })

  it('ask for the epoch alone', () => {
    expect(hex(encodePcpAnnounce('192.168.1.2'))).to.equal('020000000000000000000000000000000000ffffc0a80102')
    expect(decodePcpAnnounce(bytes('028000000000000000000004000000000000000000000000'))).to.deep.equal({ epochS: 4 })
  })

  const mapped = '0281000000000e1000000003000000000000000000000000 0707070707070707070707 07 06000000 1c90 1c91 00000000000000000000ffff2d010702'

  it('tell where others come in, and how long', () => {
    expect(decodePcpMap(bytes(mapped), ASKED)).to.deep.equal({ epochS: 3, lifetimeS: 3600, externalAddress: '45.1.7.2', externalPort: 7313 })
  })

  it('are no answer to the question for another port, or of somebody else', () => {
    expect(decodePcpMap(bytes(mapped), { ...ASKED, internalPort: 7313 })).to.equal(undefined)
    expect(decodePcpMap(bytes(mapped), { ...ASKED, nonce: new Uint8Array(12) })).to.equal(undefined)
    expect(decodePcpMap(bytes(mapped).subarray(0, 59), ASKED)).to.equal(undefined)
    expect(decodePcpAnnounce(bytes(mapped))).to.equal(undefined)
  })

  const refusals: Array<[name: string, answer: string, problem: string]> = [
    ['behind a carrier\'s NAT', '028100080000001e00000003000000000000000000000000070707070707070707070707060000001c901c9000000000000000000000ffff64400002',
      'double_nat'],
    ['without a place left', '028100080000001e00000003000000000000000000000000070707070707070707070707060000001c901c9000000000000000000000ffff00000000',
      'full'],
    ['of what is another\'s', '028100020000001e00000003000000000000000000000000070707070707070707070707060000001c901c9000000000000000000000ffff2d010702',
      'refused']
  ]
  for (const [name, answer, problem] of refusals) {
    it(`tell of a refusal ${name}: ${problem}`, () => {
      expect(() => decodePcpMap(bytes(answer), ASKED)).to.throw(PortMappingError).with.property('problem', problem)
    })
  }

  it('read anything without another error than a refusal', () => {
    const header = fc.constantFrom('0281', '0280', '00', '')
    fc.assert(fc.property(header, fc.uint8Array({ maxLength: 96 }), (start, rest) => {
      for (const read of [decodePcpAnnounce, (message: Uint8Array) => decodePcpMap(message, ASKED)]) {
        try {
          read(Uint8Array.of(...bytes(start), ...rest))
        } catch (error) {
          expect(error).to.be.instanceOf(PortMappingError)
        }
      }
    }))
  })
})
