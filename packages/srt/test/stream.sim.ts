import { concatBytes, randomBytes, SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { TwoEnds } from './two-ends.ts'
import type { End, Network } from './two-ends.ts'

const stream = { mode: 'stream' as const }

/** Sends all as fast as the buffer takes it; returns how long it took until it was acknowledged, s. */
function transfer (ends: TwoEnds, from: End, bytes: Uint8Array, limitMs: number): number {
  const startMs = ends.clock.nowMs()
  const { payloadBytes } = from.driver.machine
  let at = 0
  while (ends.clock.nowMs() - startMs < limitMs && (at < bytes.length || from.now().pktSndBuf > 0)) {
    while (at < bytes.length && from.send(bytes.subarray(at, at + payloadBytes))) {
      at += payloadBytes
    }
    ends.clock.advance(5)
  }
  return (ends.clock.nowMs() - startMs) / 1_000
}

function received (end: End): Uint8Array {
  return concatBytes(...end.arrivals.map(({ payload }) => payload))
}

describe('stream mode under virtual time', () => {
  const networks: Array<[string, Network, number]> = [
    ['a good link of 100 Mbit/s', { delayMs: 10, bytesPerSecond: 12_500_000 }, 3],
    ['2 % of loss and 40 ms of jitter', { lossRatio: 0.02, delayMs: 5, jitterMs: 40 }, 5],
    ['5 % of loss, doubles, and 10 Mbit/s', { lossRatio: 0.05, delayMs: 20, jitterMs: 10, duplicateRatio: 0.02, bytesPerSecond: 1_250_000 }, 12],
    ['a long way, 200 ms each', { lossRatio: 0.01, delayMs: 200, bytesPerSecond: 12_500_000 }, 20]
  ]
  for (const [name, network, limitSeconds] of networks) {
    for (const passphrase of [undefined, 'hunter2hunter2']) {
      it(`carries 5 MB whole over ${name}${passphrase === undefined ? '' : ', encrypted'}, in less than ${limitSeconds} s`, () => {
        const bytes = randomBytes(new SeededRandom(1), 5_000_000)
        const ends = new TwoEnds({ seed: 21, network, caller: { ...stream, passphrase }, listener: { ...stream, passphrase }, initialSequence: 0x7fffff00 })
        const seconds = transfer(ends, ends.caller, bytes, 60_000)
        ends.caller.close()
        ends.clock.advance(2_000)
        expect(Buffer.compare(received(ends.listener), bytes)).equal(0)
        expect([ends.caller.closed, ends.listener.closed]).deep.equal([{ error: undefined }, { error: undefined }])
        expect(seconds).lessThan(limitSeconds)
      }).timeout(60_000)
    }
  }

  it('fills what a link carries, and does not flood it', () => {
    const ends = new TwoEnds({ seed: 22, network: { delayMs: 30, bytesPerSecond: 1_000_000 }, caller: stream, listener: stream })
    const seconds = transfer(ends, ends.caller, randomBytes(new SeededRandom(2), 10_000_000), 60_000)
    expect(10 / seconds, 'MB/s of 1').within(0.7, 1)
    expect(ends.caller.now().pktRetransTotal / ends.caller.now().pktSentTotal).lessThan(0.2)
  })

  for (const socketPackets of [180, 1_800]) {
    it(`loses nothing to a socket of ${socketPackets} packets while the receiver is held up, once it knows of it`, () => {
      const network = { delayMs: 0.1, bytesPerSecond: 50_000_000, heldUp: { forMs: 80, socketPackets } }
      const lost = [undefined, socketPackets / 2].map(room => {
        const ends = new TwoEnds({ seed: 25, network: { delayMs: 0.1 }, caller: stream, listener: stream })
        if (room !== undefined) {
          ends.listener.driver.input(machine => { machine.onSocketRoom(room) })
        }
        ends.network = network
        const bytes = randomBytes(new SeededRandom(4), 30_000_000)
        transfer(ends, ends.caller, bytes, 20_000)
        expect(Buffer.compare(received(ends.listener), bytes)).equal(0)
        return ends.lost
      })
      expect(lost[0]).greaterThan(500)
      expect(lost[1]).equal(0)
    }).timeout(60_000)
  }

  it('stops when the reader does, and goes on with it', () => {
    const options = { ...stream, receiveBufferPackets: 256, sendBufferPackets: 256 }
    const ends = new TwoEnds({ seed: 23, network: { delayMs: 10, lossRatio: 0.01 }, caller: options, listener: options })
    ends.listener.isReading = false
    const bytes = randomBytes(new SeededRandom(3), 2_000_000)
    expect(transfer(ends, ends.caller, bytes, 5_000)).greaterThan(4.9)
    expect(ends.listener.now().pktRcvBuf).within(200, 256)
    expect(ends.caller.now().pktSndBuf).equal(256)
    ends.clock.advance(30_000)
    expect(ends.caller.closed).equal(undefined)
    ends.listener.isReading = true
    ends.listener.read()
    ends.clock.advance(5_000)
    expect(ends.caller.now().pktSndBuf).equal(0)
    expect(received(ends.listener)).deep.equal(bytes.subarray(0, received(ends.listener).length))
  })

  it('says that it was cut short when the other side goes in the middle', () => {
    const ends = new TwoEnds({ seed: 24, network: { delayMs: 10 }, caller: stream, listener: stream })
    ends.network = { lossRatio: 1 }
    ends.caller.send(new Uint8Array(1_000))
    ends.clock.advance(5_100)
    expect(ends.caller.closed?.error).property('name', 'SrtPeerGoneError')
  })
})
