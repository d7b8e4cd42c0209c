import { expect } from 'chai'
import { AnswerTimer, evidenceOfClaims, judgeClaims, memoryMeasurement, verdictOn } from '../../src/index.ts'

const MIB = 1024 * 1024
const MEASURED = { peer: 'p', atMs: 0 }

describe('a measurement of memory', () => {
  it('takes the round trip off, but no more than a quarter: dallying over pings gains a third at most', () => {
    const near = memoryMeasurement(256 * MIB, { fillMs: 1000, walkMs: 400, roundTripMs: 0 })
    expect(near.memoryBytesPerSecond).to.equal(512 * MIB / 0.4)
    expect(near.readMicros).to.be.closeTo(0.763, 0.001)
    expect(memoryMeasurement(256 * MIB, { fillMs: 1000, walkMs: 500, roundTripMs: 100 }).memoryBytesPerSecond).to.equal(near.memoryBytesPerSecond)
    expect(memoryMeasurement(256 * MIB, { fillMs: 1000, walkMs: 400, roundTripMs: 399 }).memoryBytesPerSecond)
      .to.be.closeTo(near.memoryBytesPerSecond * 4 / 3, 1)
  })

  it('shows no memory where reads took as long as from a disk', () => {
    expect(memoryMeasurement(256 * MIB, { fillMs: 3000, walkMs: 524_288 * 0.08, roundTripMs: 1 }).ramBytes).to.equal(0)
    expect(memoryMeasurement(256 * MIB, { fillMs: 3000, walkMs: 5000, roundTripMs: 1 }).ramBytes).to.equal(256 * MIB)
  })
})

describe('a claim', () => {
  const table: Array<[claimed: number, measured: number, mostShown: number, verdict: string]> = [
    [100, 100, Infinity, 'holds'],
    [200, 100, Infinity, 'holds'],
    [201, 100, Infinity, 'refuted'],
    [10_000, 100, Infinity, 'refuted'],
    // more than was asked for: it may be true
    [64, 1, 1, 'not_shown'],
    // it could not even give what was asked for
    [64, 0, 1, 'refuted']
  ]
  for (const [claimed, measured, mostShown, verdict] of table) {
    it(`of ${claimed}, measured ${measured} where ${mostShown} can be shown: ${verdict}`, () => {
      expect(verdictOn(claimed, measured, mostShown)).to.equal(verdict)
    })
  }

  it('of 100 times the speed is a failure in honesty; one borne out is a success; one untested is neither', () => {
    const evidence = (claims: Parameters<typeof judgeClaims>[0], measured: Partial<Parameters<typeof judgeClaims>[1]>): unknown =>
      evidenceOfClaims(judgeClaims(claims, { ...MEASURED, ...measured }, 64 * MIB))
    const speed = { model: 'm', tokensPerSecond: 8, mostTokensPerSecond: 10 }
    expect(evidence({ tokensPerSecond: 1000 }, speed)).to.deep.equal({ good: 0, bad: 1 })
    expect(evidence({ tokensPerSecond: 15 }, speed)).to.deep.equal({ good: 1, bad: 0 })
    expect(evidence({ tokensPerSecond: 0 }, speed)).to.deep.equal({ good: 0, bad: 0 })
    expect(evidence({ ramBytes: 1024 ** 4 }, { ramBytes: 64 * MIB })).to.deep.equal({ good: 0, bad: 0 })
    expect(evidence({ ramBytes: 1024 ** 4 }, { ramBytes: 0 })).to.deep.equal({ good: 0, bad: 1 })
  })

  it('of a speed is compared with a share of it where the peer said that it served others', () => {
    const [judgement] = judgeClaims({ tokensPerSecond: 50, queueDepth: 3 }, { ...MEASURED, mostTokensPerSecond: 10 })
    expect(judgement?.verdict).to.equal('holds')
  })

  it('of fast memory is not refuted by a slow processor', () => {
    const verdict = (memoryBytesPerSecond: number): unknown => judgeClaims({ memoryBytesPerSecond: 100e9 }, { ...MEASURED, memoryBytesPerSecond })[0]?.verdict
    expect(verdict(1e9)).to.equal('not_shown')
    expect(verdict(150e6)).to.equal('not_shown')
    expect(verdict(12e6)).to.equal('refuted')
  })
})

describe('the speed of an answer', () => {
  const time = (pieces: Array<[atMs: number, bytes: number]>, endMs: number, usage?: number): ReturnType<AnswerTimer['end']> => {
    const timer = new AnswerTimer(0)
    for (const [atMs, bytes] of pieces) {
      timer.onPiece(bytes, atMs)
    }
    if (usage !== undefined) {
      timer.onUsage(usage)
    }
    return timer.end(endMs)
  }
  const steady = (count: number, bytes = 4, everyMs = 10): Array<[number, number]> => Array.from({ length: count }, (_, i) => [100 + i * everyMs, bytes])

  it('is pieces after the first by time, and the time to the first', () => {
    expect(time(steady(101), 1100)).to.deep.include({ tokensPerSecond: 100, firstTokenMs: 100, pieces: 101 })
  })

  it('is unknown of a short answer, and of none', () => {
    expect(time(steady(7), 170)).to.equal(undefined)
    expect(time([], 170)).to.equal(undefined)
  })

  it('does not grow by cutting tokens into letters beyond twice', () => {
    // 100 tokens of 4 bytes in a second, given as 400 letters
    expect(time(steady(400, 1, 2.5), 1100)?.tokensPerSecond).to.be.within(190, 200)
  })

  it('does not grow by holding an answer back and giving it at once beyond twice', () => {
    expect(time(Array.from({ length: 101 }, () => [1000, 4]), 1000)?.tokensPerSecond).to.equal(200)
  })

  it('is not held against one that gives many tokens at a time', () => {
    expect(time(steady(10, 40, 100), 1000, 100)?.mostTokensPerSecond).to.be.closeTo(111, 1)
    expect(time(steady(10, 40, 100), 1000, 1e9)?.mostTokensPerSecond).to.be.closeTo(444, 1)
  })
})
