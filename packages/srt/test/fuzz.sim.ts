import { randomBelow, randomBytes, SeededRandom } from '@skein/core'
import { fromHex } from '@skein/core'
import { expect } from 'chai'
import { connectionSettings } from '../src/connection-options.ts'
import { ListenerHandshake } from '../src/listener-handshake.ts'
import { nodeCrypto } from '../src/node/node-crypto.ts'
import { FILE_CALLER, LIVE_CALLER } from './handshake-vectors.ts'
import { TwoEnds } from './two-ends.ts'

const seeds = [fromHex(LIVE_CALLER.induction), fromHex(LIVE_CALLER.conclusion), fromHex(FILE_CALLER.conclusion)]
/** One of each control packet, and data, as an established connection gets them. */
const TYPES = [0x80000000, 0x80010000, 0x80020000, 0x80030000, 0x80040000, 0x80060000, 0x80070000, 0x80080000, 0xffff0003, 0xffff0004, 0x00000005]

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

  it('that reaches a connection makes it neither throw, nor answer more than it is asked, nor grow', () => {
    const random = new SeededRandom(32)
    for (const mode of ['live', 'stream'] as const) {
      const ends = new TwoEnds({ seed: 33, caller: { mode, passphrase: 'hunter2hunter2' }, listener: { mode, passphrase: 'hunter2hunter2', receiveBufferPackets: 256 } })
      const templates = TYPES.map(type => {
        const packet = randomBytes(random, 16 + randomBelow(random, 60))
        packet.set([type >>> 24, type >>> 16, type >>> 8, type])
        return packet
      })
      ends.listener.isReading = false
      for (let count = 0; count < 100_000; count++) {
        const packet = mutated(random, templates)
        if ((packet[0]! & 0xff) !== 0x80 || packet[1] !== 5) {
          ends.listener.driver.input((machine, nowMs) => { machine.onPacket(packet, nowMs) })
        }
        if (count % 100 === 0) {
          ends.clock.advance(1)
        }
      }
      const { listener: { driver: { machine } } } = ends
      expect(machine.receiver.buffer.span).most(256)
      expect(machine.sender.buffer.size).equal(0)
    }
  }).timeout(120_000)
})
