import { randomBelow, randomBytes, SeededRandom } from '@skein/core'
import { fromHex } from '@skein/core'
import { expect } from 'chai'
import { connectionSettings } from '../src/connection-options.ts'
import { ListenerHandshake } from '../src/listener-handshake.ts'
import { nodeCrypto } from '../src/node/node-crypto.ts'
import { FILE_CALLER, LIVE_CALLER } from './handshake-vectors.ts'
import { numbered, TwoEnds } from './two-ends.ts'

const seeds = [fromHex(LIVE_CALLER.induction), fromHex(LIVE_CALLER.conclusion), fromHex(FILE_CALLER.conclusion)]
/** One of each control packet, and data, as an established connection gets them. */
const TYPES = [0x80000000, 0x80010000, 0x80020000, 0x80030000, 0x80040000, 0x80060000, 0x80070000, 0x80080000, 0xffff0003, 0xffff0004, 0x00000005]

const FIRST_SEQUENCE = 1_000
const BUFFER_PACKETS = 256
/** Types of control packets after which a connection is over: shutdown, peer error; and a request to drop, where a stream has to be whole. */
const ENDINGS = new Set([5, 7, 8])

/** Noise, or a packet that is nearly right. */
function mutated (random: SeededRandom, from: Uint8Array[]): Uint8Array {
  if (randomBelow(random, 4) === 0) {
    return randomBytes(random, randomBelow(random, 120))
  }
  const packet = from[randomBelow(random, from.length)]!.slice(0)
  for (let flips = 1 + randomBelow(random, 4); flips > 0; flips--) {
    packet[randomBelow(random, packet.length)] = randomBelow(random, 256)
  }
  return randomBelow(random, 8) === 0 ? packet.subarray(0, randomBelow(random, packet.length)) : packet
}

describe('garbage', () => {
  it('of 1,000,000 packets makes a listener neither throw nor let anybody in', () => {
    const random = new SeededRandom(31)
    const listening = new ListenerHandshake({ crypto: nodeCrypto(), settings: connectionSettings({}) })
    const verdicts = { ignore: 0, reply: 0, refuse: 0, request: 0 }
    let longest = 0
    for (let count = 0; count < 1_000_000; count++) {
      const packet = mutated(random, seeds)
      const verdict = listening.onPacket(packet, { address: '192.0.2.1', port: count & 0xffff }, count)
      verdicts[verdict.type]++
      if (verdict.type === 'reply') {
        longest = Math.max(longest, verdict.packet.length - packet.length)
      }
    }
    expect(verdicts).property('request', 0)
    expect(verdicts).property('refuse', 0)
    expect(verdicts.ignore).greaterThan(500_000)
    expect(longest, 'an answer is never longer than the question').most(0)
  }).timeout(120_000)

  it('in a report of losses, of ranges that go around half of all numbers, has nothing sent that there is not', () => {
    for (const mode of ['live', 'stream'] as const) {
      const ends = new TwoEnds({ seed: 34, caller: { mode }, listener: { mode }, initialSequence: FIRST_SEQUENCE, network: { delayMs: 100 } })
      for (let number = 0; number < 10; number++) {
        ends.listener.send(numbered(number, 100))
      }
      ends.clock.advance(20)
      const sent = ends.sent
      for (const [first, last] of [[0x17000000, 0x54000000], [0x40000000, 0x7fffffff], [FIRST_SEQUENCE - 1, FIRST_SEQUENCE + 0x3ffffff0]] as const) {
        const report = new Uint8Array(24)
        const view = new DataView(report.buffer)
        view.setUint32(0, 0x80030000)
        view.setUint32(16, (0x80000000 | first) >>> 0)
        view.setUint32(20, last)
        ends.listener.driver.input((machine, nowMs) => { machine.onPacket(report, nowMs) })
      }
      expect([ends.listener.now().pktSndLossTotal, ends.sent]).deep.equal([0, sent])
    }
  })

  for (const mode of ['live', 'stream'] as const) {
    it(`of 500,000 packets that reaches a connection in ${mode} mode makes it neither throw nor grow, whatever it sends meanwhile`, () => {
      const random = new SeededRandom(32)
      const options = { mode, passphrase: 'hunter2hunter2', receiveBufferPackets: BUFFER_PACKETS, sendBufferPackets: BUFFER_PACKETS }
      let connections = 0
      const begin = (): TwoEnds => new TwoEnds({
        seed: ++connections, caller: options, listener: options, initialSequence: FIRST_SEQUENCE, network: { lossRatio: 0.2, jitterMs: 20 }
      })
      let ends = begin()
      let taken = 0
      for (let count = 0; count < 500_000; count++) {
        if (ends.listener.closed !== undefined) {
          ends = begin()
        }
        const packet = mutated(random, [nearlyRight(random)])
        // what ends a connection by right comes seldom, or most would find none
        if (!ENDINGS.has(packet[1] ?? 0) || (packet[0] ?? 0) < 0x80 || count % 5_000 === 0) {
          ends.listener.driver.input((machine, nowMs) => { machine.onPacket(packet, nowMs) })
        }
        if (count % 20 === 0) {
          taken += ends.listener.send(numbered(count, 100)) ? 1 : 0
        }
        if (count % 50 === 0) {
          ends.clock.advance(1)
          ends.listener.isReading = count % 20_000 < 10_000
          const { listener: { driver: { machine } } } = ends
          expect(machine.receiver.buffer.span).most(BUFFER_PACKETS)
          expect(machine.sender.buffer.size).most(BUFFER_PACKETS)
        }
      }
      expect(connections, 'each lived through thousands of packets').within(2, 250)
      expect(taken, 'it went on sending').greaterThan(5_000)
    }).timeout(120_000)
  }
})

/** A packet of a type that a connection knows, with numbers from where it is. */
function nearlyRight (random: SeededRandom): Uint8Array {
  const packet = randomBytes(random, 16 + randomBelow(random, 60))
  const type = TYPES[randomBelow(random, TYPES.length)]!
  packet.set([type >>> 24, type >>> 16, type >>> 8, type])
  const view = new DataView(packet.buffer)
  const near = (): number => FIRST_SEQUENCE + randomBelow(random, 4 * BUFFER_PACKETS)
  if (type < 0x80000000) {
    view.setUint32(0, near())
  } else if (packet.length >= 24) {
    view.setUint32(16, near())
    view.setUint32(20, near())
  }
  return packet
}
