import { fromHex } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { ackedSequence, dataSequence, isRetransmission, isSrtData, LossList, readConclusion, sequenceAfter, visitLosses } from '../src/index.ts'

const NAK_HEADER = '8003000000000000000000640badcafe'

/** A handshake of version 5 with those extensions. */
function conclusion (extensions: string, requestType = 'ffffffff'): Uint8Array {
  const body = ['00000005', '0002', '0005', '0009fbf1', '000005dc', '00002000', requestType, '3a3a3a3a', 'c00c1e00', '0100007f', '0'.repeat(24)]
  return fromHex(['80000000', '00000000', '00001000', '00000000', ...body, extensions].join(''))
}

function losses (bytes: Uint8Array): Array<[number, number]> {
  const ranges: Array<[number, number]> = []
  visitLosses(bytes, bytes.length, (first, last) => { ranges.push([first, last]) })
  return ranges
}

describe('What bonding reads of SRT', () => {
  it('tells data from control, first copies from others', () => {
    const data = fromHex('7ffffffec40000010000000000000000')
    expect(isSrtData(data)).to.equal(true)
    expect(dataSequence(data)).to.equal(0x7ffffffe)
    expect(isRetransmission(data)).to.equal(true)
    expect(isRetransmission(fromHex('00000000c0000001'))).to.equal(false)
    expect(isSrtData(fromHex(NAK_HEADER))).to.equal(false)
  })

  it('reads what an ACK has acknowledged', () => {
    const ack = fromHex('8002000000000007000000640badcafe269fc937')
    expect(ackedSequence(ack, ack.length)).to.equal(0x269fc937)
    expect(ackedSequence(ack, 18)).to.equal(undefined)
  })

  it('reads single losses and ranges, around the end of the numbers too', () => {
    expect(losses(fromHex(NAK_HEADER + '00000005800000090000000cfffffffe00000001')))
      .to.deep.equal([[5, 5], [9, 12], [0x7ffffffe, 1]])
  })

  it('stops at what is no range', () => {
    expect(losses(fromHex(NAK_HEADER + '0000000580000009'))).to.deep.equal([[5, 5]])
    expect(losses(fromHex(NAK_HEADER + '8000000c0000000900000005'))).to.deep.equal([])
    expect(losses(fromHex(NAK_HEADER + '8000000c8000001000000005'))).to.deep.equal([])
  })

  it('writes losses so that the same ones are read', () => {
    fc.assert(fc.property(fc.nat(0x7fffffff), fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 60 }), (first, gaps) => {
      const sequences = gaps.reduce<number[]>((list, gap) => [...list, sequenceAfter(list.at(-1) ?? first, gap)], [])
      const list = new LossList(1_456)
      list.begin(fromHex(NAK_HEADER))
      for (const sequence of sequences) {
        expect(list.add(sequence)).to.equal(true)
      }
      const length = list.finish()
      const read: number[] = []
      visitLosses(list.bytes, length ?? 0, (from, to) => {
        for (let i = from; ; i = sequenceAfter(i)) {
          read.push(i)
          if (i === to) {
            break
          }
        }
      })
      expect(read).to.deep.equal(sequences)
      expect(length === undefined).to.equal(sequences.length === 0)
    }))
  })

  it('says when a list of losses is full', () => {
    const list = new LossList(40)
    list.begin(fromHex(NAK_HEADER))
    expect([2, 4, 6, 8, 10].map(sequence => list.add(sequence))).to.deep.equal([true, true, true, true, false])
  })

  it('reads stream id and latency of a handshake\'s conclusion', () => {
    // the captured extensions: HSREQ with 300 ms each way, then "live_abc" and "live_abcde" with their words reversed
    const hsreq = '0001000300010501000000bf012c012c'
    expect(readConclusion(conclusion(hsreq + '000500026576696c6362615f'))).to.deep.equal({ streamId: 'live_abc', latencyMs: 300 })
    expect(readConclusion(conclusion('000500036576696c6362615f00006564'))).to.deep.equal({ streamId: 'live_abcde' })
    expect(readConclusion(conclusion('0002000300010501000000bf012c05dc'))).to.deep.equal({ latencyMs: 1_500 })
    expect(readConclusion(conclusion(hsreq, '00000001')), 'an induction').to.equal(undefined)
    expect(readConclusion(fromHex(NAK_HEADER))).to.equal(undefined)
  })

  it('reads no stream id that is longer than SRT allows, or cut', () => {
    expect(readConclusion(conclusion('00050081' + '61616161'.repeat(129)))?.streamId).to.equal(undefined)
    expect(readConclusion(conclusion('0005000461616161'))).to.deep.equal({})
  })

  it('never throws, whatever comes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (tail, isHandshake) => {
      const bytes = isHandshake ? new Uint8Array([...conclusion('').subarray(0, 64), ...tail]) : tail
      readConclusion(bytes)
      ackedSequence(bytes, bytes.length)
      visitLosses(bytes, bytes.length, () => {})
    }), { numRuns: 5_000 })
  })
})
