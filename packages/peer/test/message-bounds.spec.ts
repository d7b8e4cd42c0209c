import { PROTOCOLS } from '@skein/records'
import { expect } from 'chai'
import fc from 'fast-check'
import { MessageBounds, messageRule } from '../src/message-bounds.ts'
import type { MessageFault } from '../src/message-bounds.ts'

const HEADER = '/multistream/1.0.0'

/** As multistream-select frames a line. */
function line (text: string): number[] {
  const bytes = [...new TextEncoder().encode(`${text}\n`)]
  return [bytes.length, ...bytes]
}

/** A message of so many bytes, with its prefix. */
function message (length: number): number[] {
  const prefix: number[] = []
  let left = length
  for (; left >= 0x80; left = Math.floor(left / 0x80)) {
    prefix.push((left & 0x7f) | 0x80)
  }
  return [...prefix, left, ...Array<number>(length).fill(0xff)]
}

function faultOf (bytes: number[], sizes: number[] = [bytes.length]): MessageFault | undefined {
  const known = [PROTOCOLS.kad, PROTOCOLS.inference, '/libp2p/circuit/relay/0.2.0/hop']
  const bounds = new MessageBounds({ after: text => known.includes(text) ? messageRule(text) : undefined })
  let at = 0
  for (const size of [...sizes, bytes.length]) {
    const fault = bounds.onBytes(Uint8Array.from(bytes.slice(at, at + size)))
    if (fault !== undefined) {
      return fault
    }
    at += size
  }
  return undefined
}

describe('the bounds of messages', () => {
  const negotiated = [...line(HEADER), ...line(PROTOCOLS.kad)]
  const cases: Array<[name: string, bytes: number[], fault: MessageFault | undefined]> = [
    ['a negotiation and messages', [...negotiated, ...message(0), ...message(1), ...message(300), ...message(65_536)], undefined],
    ['protocols that are not spoken before one that is', [...line(HEADER), ...line('/a'), ...line('ls'), ...line(PROTOCOLS.kad), ...message(3)], undefined],
    ['a prefix that does not end, before anything', Array<number>(9).fill(0xff), 'malformed'],
    ['a prefix that does not end, after a protocol that is not spoken', [...line(HEADER), ...line('/a'), 0x80, 0x80], 'malformed'],
    ['a prefix that does not end, of a message', [...negotiated, 0x80, 0x80, 0x80, 0x80], 'malformed'],
    ['a line that is too long', [...line(HEADER), 0x81, 0x08], 'oversize'],
    ['a message that is too long', [...negotiated, 0x81, 0x80, 0x04], 'oversize'],
    ['a message of 1 GiB, by its prefix', [...negotiated, 0x80, 0x80, 0x80, 0x80, 0x04], 'malformed'],
    ['more lines than anybody needs', Array.from({ length: 33 }, () => line('/x')).flat(), 'malformed'],
    ['anything on a protocol that reads its own prefixes', [...line(HEADER), ...line(PROTOCOLS.inference), ...Array<number>(50).fill(0xff)], undefined],
    ['anything after the first message to a relay',
      [...line(HEADER), ...line('/libp2p/circuit/relay/0.2.0/hop'), ...message(5), ...Array<number>(50).fill(0xff)], undefined],
    ['no first message to a relay', [...line(HEADER), ...line('/libp2p/circuit/relay/0.2.0/hop'), ...Array<number>(50).fill(0xff)], 'malformed']
  ]
  for (const [name, bytes, fault] of cases) {
    it(`${fault === undefined ? 'take' : `refuse (${fault})`} ${name}, in pieces of any size`, () => {
      expect(faultOf(bytes)).to.equal(fault)
      fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 30 }), sizes => {
        expect(faultOf(bytes, sizes)).to.equal(fault)
      }), { seed: 3, numRuns: bytes.length > 1_000 ? 10 : 100 })
    })
  }

  it('look at no more than a few bytes of what does not end', () => {
    const bounds = new MessageBounds({ after: () => undefined })
    const startMs = performance.now()
    expect(bounds.onBytes(new Uint8Array(64 * 1024 * 1024).fill(0xff))).to.equal('malformed')
    expect(performance.now() - startMs).to.be.below(1_000)
  })
})
