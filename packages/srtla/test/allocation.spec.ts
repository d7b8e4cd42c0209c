import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { emptyAck, encodeBare, encodeRegistration, REG1, REG2, REG3, SrtlaReceiver, SrtlaSender, writeAckSequence, writeU32 } from '../src/index.ts'
import type { ReceiverLink, SenderLink } from '../src/index.ts'

const PACKETS = 50_000
const WARM_UP = 200_000
/** Less than the smallest thing that could be allocated for each packet; the rest of the process allocates too. */
const MAX_BYTES = 8

/** The least of some rounds: a collection in between makes one of them negative, something else that runs makes one larger. */
function bytesPerPacket (run: (packets: number) => void): number {
  run(WARM_UP)
  const rounds = Array.from({ length: 6 }, () => {
    const before = process.memoryUsage().heapUsed
    run(PACKETS)
    return (process.memoryUsage().heapUsed - before) / PACKETS
  }).sort((a, b) => a - b)
  return rounds.find(bytes => bytes > -2 * MAX_BYTES) ?? 0
}

describe('The data path of SRTLA', function () {
  this.timeout(30_000)

  it('allocates nothing for a packet at the receiver', () => {
    const origin = { address: '192.0.2.1', port: 7, family: 'IPv4' as const }
    let answer = new Uint8Array(0)
    const receiver = new SrtlaReceiver({ maxPacketsPerSecond: 1e7 }, new SeededRandom(1), {
      toLink: () => {},
      toOrigin: (_origin, bytes) => { answer = bytes.slice() },
      toListener: () => {}
    })
    receiver.onStrangerPacket(encodeRegistration(REG1, new Uint8Array(256)), 258, origin, 0)
    expect(answer[1]).to.equal(REG2 & 0xff)
    receiver.onStrangerPacket(answer, 258, origin, 0)
    const packet = new Uint8Array(1_332)
    let next = 0
    expect(bytesPerPacket(packets => {
      const first = next
      next += packets
      for (let i = 0; i < packets; i++) {
        writeU32(packet, 0, first + i)
        // whole numbers: others would be allocated by the engine for the call, wherever it does not inline that
        receiver.onLinkPacket(packet, packet.length, receiver.linkAt('192.0.2.1', 7) as ReceiverLink, (first + i) >> 4)
      }
    })).to.be.below(MAX_BYTES)
    expect(receiver.counters.acks).to.be.above(20_000)
  })

  for (const mode of ['classic', 'adaptive'] as const) {
    it(`allocates nothing for a packet at the ${mode} sender`, () => {
      const sender = new SrtlaSender({ mode }, new SeededRandom(1), { toLink: () => {}, toLocal: () => {} }, 0)
      const links = ['a', 'b'].map(name => sender.addLink(name, 0) as SenderLink)
      for (const link of links) {
        sender.onLinkPacket(encodeBare(REG3), 2, link, 0)
      }
      const packet = new Uint8Array(1_332)
      const ack = emptyAck()
      const link = links[0] as SenderLink
      let next = 0
      expect(bytesPerPacket(packets => {
        const first = next
        let nowMs = first
        next += packets
        for (let i = 0; i < packets; i++) {
          writeU32(packet, 0, first + i)
          sender.onLocalPacket(packet, packet.length, nowMs)
          writeAckSequence(ack, i % 10, first + i)
          nowMs++
          if (i % 10 === 9) {
            sender.onLinkPacket(ack, ack.length, link, nowMs)
          }
        }
      })).to.be.below(MAX_BYTES)
    })
  }
})
