import { randomBelow, randomBytes, SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { ACK_BYTES, encodeRegistration, REG1, REG2, SrtlaReceiver } from '../src/index.ts'
import type { Origin, ReceiverGroup } from '../src/index.ts'

const PACKETS = 500_000
/** First bytes of what a receiver knows, of SRTLA and of SRT. */
const TYPES = [[0x90, 0], [0x91, 0], [0x92, 0], [0x92, 1], [0x92, 2], [0x92, 0x10], [0x92, 0x11], [0x80, 0], [0x80, 2], [0x80, 3], [0x80, 5], [0x00, 0], [0xff, 0xff]]

describe(`A receiver of SRTLA that gets ${PACKETS.toLocaleString('en')} packets of garbage`, () => {
  it('from strangers, links and listeners neither throws, nor grows, nor answers with more than it was asked, and a good link goes on', () => {
    const random = new SeededRandom(5)
    let answeredBytes = 0
    const passed: number[] = []
    const good: { group?: ReceiverGroup } = {}
    const receiver = new SrtlaReceiver({ maxGroups: 20, maxLinksPerGroup: 4 }, new SeededRandom(6), {
      toLink: (_link, bytes) => { answeredBytes += bytes.length },
      toOrigin: (_origin, bytes) => { answeredBytes += bytes.length },
      toListener: (group, bytes) => {
        if (group === good.group) {
          passed.push(bytes.length)
        }
      }
    })
    let nowMs = 0
    const receive = (bytes: Uint8Array, origin: Origin): void => {
      const link = receiver.linkAt(origin.address, origin.port)
      if (link === undefined) {
        receiver.onStrangerPacket(bytes, bytes.length, origin, nowMs)
      } else {
        receiver.onLinkPacket(bytes, bytes.length, link, nowMs)
      }
    }
    const originOf = (host: number): Origin => ({ address: `192.0.2.${host}`, port: 40_000, family: 'IPv4' })
    receive(encodeRegistration(REG1, randomBytes(random, 256)), originOf(1))
    const [made] = [...receiver.groups] as [ReceiverGroup]
    good.group = made
    receive(encodeRegistration(REG2, made.id), originOf(1))

    for (let count = 0; count < PACKETS; count++) {
      const isRegistration = randomBelow(random, 8) === 0
      const bytes = randomBytes(random, isRegistration ? 258 : randomBelow(random, 80))
      if (randomBelow(random, 4) > 0) {
        bytes.set((isRegistration ? [0x92, randomBelow(random, 2)] : TYPES[randomBelow(random, TYPES.length)] as number[]).slice(0, bytes.length))
      }
      const before = answeredBytes
      // a few of those who send garbage have joined with what they were answered, as anybody may
      const origin = originOf(2 + randomBelow(random, 200))
      const isLink = receiver.linkAt(origin.address, origin.port) !== undefined
      receive(bytes, origin)
      expect(answeredBytes - before).to.be.at.most(isLink ? Math.max(bytes.length, ACK_BYTES) : bytes.length)
      for (const group of receiver.groups) {
        if (randomBelow(random, 400) === 0) {
          receiver.onListenerPacket(bytes, bytes.length, group, nowMs)
          receive(encodeRegistration(REG2, group.id), originOf(2 + randomBelow(random, 200)))
        }
      }
      if (count % 100 === 0) {
        nowMs += 10
        receive(new Uint8Array(100), originOf(1))
        receiver.onTimeout(nowMs)
        while (receiver.poll() !== undefined) { /* nobody is told */ }
        expect(receiver.groups.size).to.be.at.most(20)
        expect([...receiver.groups].every(({ links }) => links.length <= 4)).to.equal(true)
      }
    }
    expect(passed.filter(length => length === 100).length, 'of the good link').to.equal(PACKETS / 100)
    expect(receiver.groups.has(made)).to.equal(true)
    expect(receiver.counters.groups, 'others joined meanwhile').to.be.above(5)
  }).timeout(120_000)
})
