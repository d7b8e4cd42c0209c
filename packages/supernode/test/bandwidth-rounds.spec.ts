import { toHex } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { BLOCK_BYTES, isRoundBytes, MAX_DIRECTION_BYTES, MAX_DIRECTION_MS, nextRound, rateOf } from '../src/bandwidth-rounds.ts'
import { echoOf, MeasuredContent } from '../src/measured-content.ts'
import type { BandwidthRound } from '../src/index.ts'

/** Rounds with a peer of that speed, behind that round trip. */
function measure (bytesPerSecond: number, roundTripMs = 0): BandwidthRound[] {
  const rounds: BandwidthRound[] = []
  for (let next = nextRound(rounds); next !== undefined; next = nextRound(rounds)) {
    const bytes = Math.min(next.bytes, Math.max(0, bytesPerSecond * (next.timeoutMs - roundTripMs) / 1000))
    rounds.push({ bytes, elapsedMs: bytes < next.bytes ? next.timeoutMs : roundTripMs + bytes / bytesPerSecond * 1000 })
    if (bytes < next.bytes) {
      break
    }
  }
  return rounds
}

describe('Bandwidth', () => {
  it('is measured with half a MiB for a slow peer, and with 7.5 for a fast one', () => {
    const sent = (rounds: BandwidthRound[]): number => rounds.reduce((sum, { bytes }) => sum + bytes, 0) / (1024 * 1024)
    expect(sent(measure(500_000))).to.equal(0.5)
    expect(sent(measure(2_000_000))).to.be.within(3, 3.5)
    expect(sent(measure(50_000_000))).to.equal(7.5)
  })

  it('is never more than the link carries, and takes 2 s and 8 MiB at most', () => {
    fc.assert(fc.property(fc.integer({ min: 1_000, max: 1e9 }), fc.nat(500), (bytesPerSecond, roundTripMs) => {
      const rounds = measure(bytesPerSecond, roundTripMs)
      expect(rateOf(rounds)).to.be.at.most(bytesPerSecond)
      expect(rounds.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0)).to.be.at.most(MAX_DIRECTION_MS + 1e-6)
      expect(rounds.reduce((sum, { bytes }) => sum + bytes, 0)).to.be.at.most(MAX_DIRECTION_BYTES)
      expect(rounds.length).to.be.at.most(4)
    }))
  })

  it('is what was received in the last round, not the burst before it', () => {
    expect(rateOf([{ bytes: 524_288, elapsedMs: 10 }, { bytes: 1_048_576, elapsedMs: 1_000 }])).to.equal(1_048_576)
    expect(rateOf([{ bytes: 1_048_576, elapsedMs: 0 }])).to.equal(1_048_576_000)
    expect(rateOf([])).to.equal(undefined)
  })

  it('is asked for in whole blocks, 4 MiB at most', () => {
    expect([0, 1, BLOCK_BYTES - 1, -BLOCK_BYTES, 65 * BLOCK_BYTES, 0.5].filter(isRoundBytes)).to.deep.equal([])
    expect([BLOCK_BYTES, 64 * BLOCK_BYTES].every(isRoundBytes)).to.equal(true)
  })
})

describe('The content of a measurement', () => {
  it('belongs to its nonce, and to its place', () => {
    const content = new MeasuredContent(new Uint8Array(32).fill(1))
    // docs/specs/dial-back.md
    expect(toHex(content.block(0).subarray(0, 16))).to.equal('a215d6a1b7bc7004e5e419fb61f83b44')
    expect(toHex(echoOf(content.block(0)))).to.equal('32115ff62737e6ac6ea1dc172c9d1c9d')
    expect(toHex(echoOf(content.block(63)))).to.equal('7f5577537770ac3c75bd4a5100483df6')
    expect(toHex(new MeasuredContent(new Uint8Array(32).fill(2)).block(0))).not.to.equal(toHex(content.block(0)))
  })

  it('has no block twice', () => {
    const content = new MeasuredContent(new Uint8Array(32))
    expect(new Set(Array.from({ length: 64 }, (_, i) => toHex(echoOf(content.block(i))))).size).to.equal(64)
    expect(content.block(7)).to.have.length(BLOCK_BYTES)
  })
})
