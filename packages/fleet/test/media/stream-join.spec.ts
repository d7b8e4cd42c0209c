import { expect } from 'chai'
import fc from 'fast-check'
import { SeededRandom, randomBelow, randomBytes } from '@skein/core'
import { StreamJoin } from '../../src/media/stream-join.ts'
import type { JoinKind } from '../../src/media/stream-join.ts'

const STUFFING = new Uint8Array(64).fill(0xff)

/** Packets as of an encoder with a constant rate: stuffing between what is unlike all others. */
function packets (count: number, seed: number, stuffingPercent = 30): Uint8Array[] {
  const random = new SeededRandom(seed)
  return Array.from({ length: count }, () => randomBelow(random, 100) < stuffingPercent ? STUFFING : randomBytes(random, 64))
}

/** A player's side: what is heard, and how the places followed each other. */
class Listening {
  readonly join: StreamJoin
  readonly heard: Uint8Array[] = []
  readonly switches: Array<[string, JoinKind]> = []

  constructor (patienceMs = 1_000) {
    this.join = new StreamJoin({ patienceMs, maxPackets: 400 })
  }

  drain (): void {
    for (let effect = this.join.poll(); effect !== undefined; effect = this.join.poll()) {
      if (effect.type === 'packet') {
        this.heard.push(effect.packet)
      } else {
        this.switches.push([effect.source, effect.how])
      }
    }
  }

  /** Plays copies, each with a delay in packets, from when to when it is there. */
  play (stream: Uint8Array[], copies: Array<{ name: string, delay: number, from: number, to: number, isLost?: (at: number) => boolean }>, movesAt: number): void {
    this.join.onPreferred('old', 0)
    const end = stream.length + Math.max(...copies.map(({ delay }) => delay)) + 1
    for (let at = 0; at < end; at++) {
      const nowMs = at * 10
      if (at === movesAt) {
        this.join.onPreferred('new', nowMs)
      }
      for (const { name, delay, from, to, isLost = () => false } of copies) {
        const index = at - delay
        if (index >= from && index < Math.min(to, stream.length) && !isLost(index)) {
          this.join.onPacket(name, stream[index] as Uint8Array, nowMs)
        }
        if (index === to) {
          this.join.onEnded(name, nowMs)
        }
      }
      const timeoutMs = this.join.nextTimeoutMs()
      if (timeoutMs !== undefined && timeoutMs <= nowMs) {
        this.join.onTimeout(nowMs)
      }
      this.drain()
    }
  }
}

describe('a stream made of the copies that two places bring', () => {
  for (const [what, oldDelay, newDelay] of [['earlier', 40, 3], ['later', 3, 40], ['at the same time', 5, 5]] as const) {
    it(`goes on without a gap at a new place that brings it ${what}`, () => {
      const stream = packets(600, 1)
      const listening = new Listening()
      listening.play(stream, [
        { name: 'old', delay: oldDelay, from: 0, to: 500 },
        { name: 'new', delay: newDelay, from: 200, to: 601 }
      ], 190)
      expect(listening.heard).to.deep.equal(stream)
      expect(listening.switches).to.deep.equal([['old', 'begun'], ['new', 'joined']])
    })
  }

  it('has no gap and no packet twice, whatever the delays and the moments (property)', () => {
    fc.assert(fc.property(
      fc.integer(), fc.integer({ min: 0, max: 80 }), fc.integer({ min: 0, max: 80 }), fc.integer({ min: 100, max: 350 }),
      fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 90 }),
      (seed, oldDelay, newDelay, from, movesAt, stuffing) => {
        const stream = packets(900, seed, stuffing)
        const listening = new Listening()
        listening.play(stream, [
          { name: 'old', delay: oldDelay, from: 0, to: 750 },
          { name: 'new', delay: newDelay, from, to: 901 }
        ], movesAt)
        expect(listening.heard.length).to.equal(stream.length)
        expect(listening.heard.every((packet, at) => packet === stream[at])).to.equal(true)
      }), { numRuns: 60 })
  })

  it('loses no more than each copy lost by itself', () => {
    const stream = packets(900, 7)
    const listening = new Listening()
    listening.play(stream, [
      { name: 'old', delay: 3, from: 0, to: 700, isLost: at => at % 97 === 5 },
      { name: 'new', delay: 60, from: 100, to: 901, isLost: at => at % 89 === 7 }
    ], 90)
    expect(listening.switches.at(-1)).to.deep.equal(['new', 'joined'])
    expect(listening.heard.length).to.be.within(900 - 20, 900)
    expect(new Set(listening.heard.filter(packet => packet !== STUFFING)).size)
      .to.equal(listening.heard.filter(packet => packet !== STUFFING).length)
  })

  it('goes back to the old place when the new one dies while it catches up', () => {
    const stream = packets(600, 3)
    const listening = new Listening()
    listening.play(stream, [
      { name: 'old', delay: 2, from: 0, to: 601 },
      { name: 'new', delay: 60, from: 200, to: 240 }
    ], 190)
    expect(listening.heard).to.deep.equal(stream)
    expect(listening.switches.at(-1)?.[0]).to.equal('old')
  })

  it('is cut where the old place fell silent before the new one had anything, and says so', () => {
    const stream = packets(600, 4)
    const listening = new Listening(200)
    listening.play(stream, [
      { name: 'old', delay: 0, from: 0, to: 300 },
      { name: 'new', delay: 0, from: 350, to: 601 }
    ], 320)
    expect(listening.switches).to.deep.equal([['old', 'begun'], ['new', 'cut']])
    expect(listening.heard).to.deep.equal([...stream.slice(0, 300), ...stream.slice(350)])
  })

  it('takes stuffing alone for no proof', () => {
    const stream = packets(300, 5, 100)
    const listening = new Listening()
    listening.play(stream, [
      { name: 'old', delay: 0, from: 0, to: 301 },
      { name: 'new', delay: 10, from: 0, to: 301 }
    ], 0)
    expect(listening.switches).to.deep.equal([['old', 'begun']])
    expect(listening.heard).to.have.length(300)
  })
})
