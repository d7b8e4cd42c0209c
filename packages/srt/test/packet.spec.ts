import { fromHex, toHex } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { ackPacket, dropRequestPacket, keepalivePacket, lightAckPacket, readAck, readDropRequest, shutdownPacket } from '../src/control-packet.ts'
import { LossReport, readLossReport } from '../src/loss-report.ts'
import {
  controlType, destination, isControl, isRetransmitted, keySlot, markRetransmitted, messageNumber, nextMessageNumber, sequence, timestamp, typeSpecific,
  writeDataHeader
} from '../src/packet-header.ts'
import type { KeySlot } from '../src/packet-header.ts'
import { addSequence, sequenceDistance } from '../src/sequence.ts'
import { TimestampUnwrapper, timestampOf } from '../src/timestamp.ts'

const word = fc.integer({ min: 0, max: 0xffffffff })
const sequenceNumber = fc.integer({ min: 0, max: 0x7fffffff })
const header = { timestamp: 1_000_419, destination: 0x0e6a0342 }

describe('sequence numbers', () => {
  it('are moved and compared across the wrap', () => {
    fc.assert(fc.property(sequenceNumber, fc.integer({ min: -(2 ** 30), max: 2 ** 30 - 1 }), (from, count) => {
      const to = addSequence(from, count)
      expect(to).within(0, 0x7fffffff)
      expect(sequenceDistance(from, to)).equal(count)
    }))
    expect(addSequence(0x7fffffff, 1)).equal(0)
    expect(sequenceDistance(0, 0x7fffffff)).equal(-1)
  })
})

describe('timestamps', () => {
  it('go on after 71.6 minutes, in whatever order packets come', () => {
    const timestamps = new TimestampUnwrapper(timestampOf(4_294_900))
    expect(timestamps.unwrap(timestampOf(4_294_950))).equal(4_294_950_000)
    expect(timestamps.unwrap(timestampOf(4_295_000))).equal(4_295_000_000)
    expect(timestamps.unwrap(timestampOf(4_294_960))).equal(4_294_960_000)
    expect(timestamps.unwrap(timestampOf(4_295_100))).equal(4_295_100_000)
  })

  it('are right for steps of up to 35 minutes', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 40 }), fc.integer({ min: 0, max: 2 ** 31 - 1 }), (startUs, stepUs) => {
      const timestamps = new TimestampUnwrapper(startUs)
      expect(timestamps.unwrap((startUs + stepUs) % 2 ** 32)).equal(startUs + stepUs)
    }))
  })
})

describe('data headers', () => {
  it('are read as they were written', () => {
    fc.assert(fc.property(sequenceNumber, fc.integer({ min: 1, max: 0x3ffffff }), fc.constantFrom<KeySlot>(0, 1, 2), word, word, (number, message, slot, time, to) => {
      const packet = new Uint8Array(16)
      writeDataHeader(packet, {
        sequence: number, messageNumber: message, keySlot: slot, isFirst: true, isLast: true, inOrder: false, timestamp: time, destination: to
      })
      expect([isControl(packet), sequence(packet), messageNumber(packet), keySlot(packet), timestamp(packet), destination(packet), isRetransmitted(packet)])
        .deep.equal([false, number, message, slot, time, to, false])
      expect(packet[4]! & 0xc0).equal(0xc0)
      markRetransmitted(packet)
      expect([isRetransmitted(packet), messageNumber(packet), keySlot(packet)]).deep.equal([true, message, slot])
    }))
  })

  it('number messages from 1 to 2^26 − 1, and again', () => {
    expect([0, 1, 0x3fffffe, 0x3ffffff].map(nextMessageNumber)).deep.equal([1, 2, 0x3ffffff, 1])
  })
})

describe('control packets', () => {
  it('are those of libsrt, byte for byte', () => {
    expect(toHex(shutdownPacket({ timestamp: 0x3e44b, destination: 0x0e6a0342 }))).equal('80050000000000000003e44b0e6a034200000000')
    expect(toHex(keepalivePacket({ timestamp: 0xf6c41, destination: 0x3fa63156 }))).equal('8001000000000000000f6c413fa6315600000000')
  })

  it('acknowledge fully and lightly', () => {
    fc.assert(fc.property(word, sequenceNumber, fc.array(word, { minLength: 6, maxLength: 6 }), (number, from, words) => {
      const [rttUs, rttVarianceUs, freePackets, packetsPerSecond, linkPacketsPerSecond, bytesPerSecond] = words as [number, number, number, number, number, number]
      const report = { sequence: from, rttUs, rttVarianceUs, freePackets, packetsPerSecond, linkPacketsPerSecond, bytesPerSecond }
      const packet = ackPacket(number, report, header)
      expect([packet.length, controlType(packet), typeSpecific(packet)]).deep.equal([44, 2, number])
      expect(readAck(packet)).deep.equal({ type: 'full', report })
      expect(readAck(lightAckPacket(from, header))).deep.equal({ type: 'light', sequence: from })
    }))
    expect(readAck(fromHex('80020000000000000000000000000000ffffffff'))).equal(undefined)
  })

  it('ask to drop a range', () => {
    const request = { messageNumber: 0, first: 0x7ffffff0, last: 5 }
    expect(readDropRequest(dropRequestPacket(request, header))).deep.equal(request)
    expect(readDropRequest(dropRequestPacket(request, header).subarray(0, 20))).equal(undefined)
  })

  it('report losses as single numbers and ranges', () => {
    const report = new LossReport()
    report.add(5, 5)
    report.add(0x7ffffffe, 1)
    const packet = report.toPacket(header)
    expect(toHex(packet.subarray(16))).equal('00000005fffffffe00000001')
    const read: number[][] = []
    expect(readLossReport(packet, (first, last) => { read.push([first, last]) })).equal(true)
    expect(read).deep.equal([[5, 5], [0x7ffffffe, 1]])
  })

  it('report no losses that make no sense, and never throw', () => {
    const end = fromHex('800300000000000000000000000000008000000a')
    expect(readLossReport(end, () => {})).equal(false)
    const backwards = fromHex('800300000000000000000000000000008000000a00000009')
    expect(readLossReport(backwards, () => {})).equal(false)
    fc.assert(fc.property(fc.uint8Array({ minLength: 16, maxLength: 80 }), packet => { readLossReport(packet, () => {}) }))
  })
})
