import { readFileSync } from 'node:fs'
import { fromHex, toHex } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import {
  ACK, ackCount, ackSequence, emptyAck, encodeBare, encodeRegistration, idsEqual, KEEPALIVE, keepaliveTimeMs, packetType, readKeepalive, REG1, REG2, REG3,
  REG_ERR, REG_NAK, REG_NGP, registrationId, sequenceAfter, sequenceDistance, writeAckSequence, writeKeepalive
} from '../src/index.ts'

interface Vector {
  name: string
  hex: string
  fields: Record<string, any>
}

const { packets } = JSON.parse(readFileSync(new URL('vectors/packets.json', import.meta.url), 'utf8')) as { packets: Vector[] }
const TYPES: Record<string, number> = { KEEPALIVE, ACK, REG1, REG2, REG3, REG_ERR, REG_NGP, REG_NAK }

function encode ({ fields }: Vector): Uint8Array {
  const { type, padded, id, sequences, report } = fields
  if (id !== undefined) {
    return encodeRegistration(TYPES[type] as typeof REG1, fromHex(id))
  }
  if (sequences !== undefined) {
    const ack = emptyAck()
    for (const [at, sequence] of (sequences as number[]).entries()) {
      writeAckSequence(ack, at, sequence)
    }
    return ack
  }
  if (report !== undefined) {
    const bytes = new Uint8Array(38)
    writeKeepalive(bytes, report)
    return bytes
  }
  return encodeBare(TYPES[type] as number, { padded })
}

describe('A packet of SRTLA', () => {
  for (const vector of packets) {
    it(`is read and written as in the vector: ${vector.name}`, () => {
      const bytes = fromHex(vector.hex)
      const { type, id, sequences, report, timeMs, readOnly } = vector.fields
      expect(packetType(bytes)).to.equal(TYPES[type])
      if (id !== undefined) {
        expect(toHex(registrationId(bytes) as Uint8Array)).to.equal(id)
      }
      if (sequences !== undefined) {
        expect(ackCount(bytes.length)).to.equal(10)
        expect(Array.from({ length: 10 }, (_, at) => ackSequence(bytes, at))).to.deep.equal(sequences)
      }
      expect(readKeepalive(bytes)).to.deep.equal(report)
      if (type === 'KEEPALIVE') {
        expect(keepaliveTimeMs(bytes)).to.equal(timeMs)
      }
      if (readOnly !== true) {
        expect(toHex(encode(vector))).to.equal(vector.hex)
      }
    })
  }

  it('has every type in the vectors', () => {
    expect([...new Set(packets.map(({ fields }) => fields.type))].sort()).to.deep.equal(Object.keys(TYPES).sort())
  })

  it('is no registration when its length is another', () => {
    expect(registrationId(new Uint8Array(257))).to.equal(undefined)
    expect(registrationId(new Uint8Array(259))).to.equal(undefined)
    expect(() => encodeRegistration(REG1, new Uint8Array(255))).to.throw(RangeError)
  })

  it('tells of no time in a keepalive that was not sent by a clock', () => {
    const padded = encodeBare(KEEPALIVE, { padded: true })
    expect(padded.length).to.equal(32)
    expect(keepaliveTimeMs(padded)).to.equal(undefined)
    expect(readKeepalive(padded)).to.equal(undefined)
  })

  it('never throws, whatever it is', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
      packetType(bytes)
      registrationId(bytes)
      keepaliveTimeMs(bytes)
      readKeepalive(bytes)
      for (let at = 0; at < ackCount(bytes.length); at++) {
        expect(ackSequence(bytes, at)).to.be.within(0, 0x7fffffff)
      }
    }), { numRuns: 5_000 })
  })
})

describe('Ids', () => {
  it('are equal where all bytes are', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), fc.nat(7), fc.integer({ min: 1, max: 255 }), (id, at, change) => {
      const other = id.slice()
      expect(idsEqual(id, other, 8)).to.equal(true)
      other[at] = (other[at] as number) ^ change
      expect(idsEqual(id, other, 8)).to.equal(false)
      expect(idsEqual(id, other, at)).to.equal(true)
    }))
    expect(idsEqual(new Uint8Array(4), new Uint8Array(4), 8)).to.equal(false)
  })
})

describe('Sequence numbers', () => {
  it('go on from 0 after the last one', () => {
    expect(sequenceAfter(0x7fffffff)).to.equal(0)
    expect(sequenceDistance(0, 0x7fffffff)).to.equal(1)
    expect(sequenceDistance(0x7ffffffe, 3)).to.equal(-5)
    fc.assert(fc.property(fc.nat(0x7fffffff), fc.integer({ min: -0x3fffffff, max: 0x3fffffff }), (sequence, steps) => {
      expect(sequenceDistance(sequenceAfter(sequence, steps), sequence)).to.equal(steps)
    }))
  })
})
