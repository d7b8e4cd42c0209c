import { expect } from 'chai'
import fc from 'fast-check'
import { readLossReport } from '../src/loss-report.ts'
import { ReceiveBuffer } from '../src/receive-buffer.ts'
import { SendBuffer } from '../src/send-buffer.ts'
import { addSequence } from '../src/sequence.ts'

const FIRST = 0x7fffffff - 20
const CAPACITY = 600
const rule = { packets: 0, ttlPackets: 0, leastAgeMs: 0, overdueMs: Infinity, repeatMs: Infinity }
const packet = (offset: number): Uint8Array => Uint8Array.of(offset & 255, offset >> 8)

describe('a receive buffer', () => {
  it('knows what came, what is missing and what is next, in whatever order packets come', () => {
    fc.assert(fc.property(fc.array(fc.nat(700), { maxLength: 200 }), fc.nat(60), (offsets, read) => {
      const buffer = new ReceiveBuffer(FIRST, CAPACITY)
      const model = new Set<number>()
      let next = 0
      const step = (offset: number): void => {
        const expected = offset < next ? 'belated' : offset >= next + CAPACITY ? 'no-room' : model.has(offset) ? 'duplicate' : 'new'
        expect(buffer.insert(addSequence(FIRST, offset), packet(offset), 0, 0)).equal(expected)
        if (expected === 'new') {
          model.add(offset)
        }
      }
      offsets.forEach((offset, at) => {
        step(offset)
        if (at % 3 === 0 && at < read) {
          for (; model.has(next); next++) {
            expect(buffer.head()).deep.equal(packet(next))
            buffer.drop(1)
          }
        }
      })
      let acknowledged = next
      while (model.has(acknowledged)) {
        acknowledged++
      }
      const end = Math.max(next, ...[...model].map(offset => offset + 1))
      const missing = Array.from({ length: end - acknowledged }, (_, at) => acknowledged + at).filter(offset => !model.has(offset))
      expect([buffer.acknowledged, buffer.end, buffer.missing]).deep.equal([addSequence(FIRST, acknowledged), addSequence(FIRST, end), missing.length])

      const reported: number[] = []
      readLossReport(buffer.report(rule, 0).toPacket({ timestamp: 0, destination: 0 }), (first, last) => {
        for (let sequence = first; ; sequence = addSequence(sequence, 1)) {
          reported.push(sequence)
          if (sequence === last) {
            break
          }
        }
      })
      expect(reported).deep.equal(missing.map(offset => addSequence(FIRST, offset)))
      expect(buffer.report(rule, 0).isEmpty).equal(true)
    }), { numRuns: 300 })
  })

  it('reports a gap when it is old enough, enough packets came, and again after a while', () => {
    const buffer = new ReceiveBuffer(5, CAPACITY)
    buffer.insert(5, packet(0), 1, 1_000)
    buffer.insert(8, packet(3), 2, 1_000)
    const asked = (packets: number, nowMs: number): boolean =>
      !buffer.report({ packets, ttlPackets: 40, leastAgeMs: 250, overdueMs: 600, repeatMs: 100 }, nowMs).isEmpty
    expect([asked(2, 1_500), asked(42, 1_249), asked(42, 1_250), asked(43, 1_300), asked(44, 1_350)]).deep.equal([false, false, true, false, true])
  })

  it('reports a gap that is overdue, however few packets came after it', () => {
    const buffer = new ReceiveBuffer(5, CAPACITY)
    buffer.insert(5, packet(0), 1, 1_000)
    buffer.insert(8, packet(3), 2, 1_000)
    const asked = (nowMs: number): boolean =>
      !buffer.report({ packets: 2, ttlPackets: 40, leastAgeMs: 250, overdueMs: 600, repeatMs: 100 }, nowMs).isEmpty
    expect([asked(1_250), asked(1_599), asked(1_600), asked(1_650), asked(1_700)]).deep.equal([false, false, true, false, true])
  })

  it('takes what the sender gave up for settled', () => {
    const buffer = new ReceiveBuffer(0, CAPACITY)
    buffer.insert(0, packet(0), 1, 0)
    buffer.insert(10, packet(10), 2, 0)
    expect(buffer.giveUp(0, 7, 2, 0)).equal(7)
    expect([buffer.acknowledged, buffer.missing]).deep.equal([8, 2])
    expect(buffer.insert(3, packet(3), 3, 0)).equal('belated')
    expect(buffer.giveUp(8, 20, 3, 0)).equal(12)
    expect([buffer.acknowledged, buffer.end]).deep.equal([21, 21])
  })
})

describe('a send buffer', () => {
  it('gives back what is lost, oldest first, and forgets what is acknowledged', () => {
    fc.assert(fc.property(fc.array(fc.nat(99)), fc.nat(100), (lost, acknowledged) => {
      const buffer = new SendBuffer(FIRST, CAPACITY)
      for (let offset = 0; offset < 100; offset++) {
        buffer.push(packet(offset), offset)
        buffer.onSent(addSequence(FIRST, offset), offset)
      }
      for (const offset of lost) {
        buffer.markLost(addSequence(FIRST, offset))
      }
      buffer.drop(acknowledged)
      const taken: Array<number | undefined> = []
      for (let sequence = buffer.takeLost(); sequence !== undefined; sequence = buffer.takeLost()) {
        taken.push(sequence)
      }
      const left = [...new Set(lost)].filter(offset => offset >= acknowledged).sort((a, b) => a - b)
      expect(taken).deep.equal(left.map(offset => addSequence(FIRST, offset)))
      expect([buffer.size, buffer.lost, buffer.bytes]).deep.equal([100 - acknowledged, 0, (100 - acknowledged) * 2])
    }))
  })
})
