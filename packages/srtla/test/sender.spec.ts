import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import {
  emptyAck, encodeBare, encodeRegistration, KEEPALIVE, keepaliveTimeMs, LossList, packetType, readKeepalive, REG1, REG2, REG3, REG_ERR, REG_NGP, SrtlaSender,
  visitLosses, writeAckSequence
} from '../src/index.ts'
import type { SenderEffect, SenderLink, SrtlaSenderInit } from '../src/index.ts'

interface Sent {
  over: string
  bytes: Uint8Array
}

/** A sender, what it sent, and a receiver's answers. */
class Bench {
  readonly sent: Sent[] = []
  readonly local: Uint8Array[] = []
  readonly sender: SrtlaSender
  nowMs = 10_000

  constructor (init: SrtlaSenderInit) {
    this.sender = new SrtlaSender(init, new SeededRandom(1), {
      toLink: (link, bytes) => { this.sent.push({ over: link.name, bytes: bytes.slice() }) },
      toLocal: bytes => { this.local.push(bytes.slice()) }
    }, this.nowMs)
  }

  /** Links that are up. */
  up (...names: string[]): SenderLink[] {
    const links = names.map(name => this.sender.addLink(name, this.nowMs) as SenderLink)
    for (const link of links) {
      this.from(link, encodeBare(REG3))
    }
    this.sent.length = 0
    return links
  }

  from (link: SenderLink, bytes: Uint8Array): void {
    this.sender.onLinkPacket(bytes, bytes.length, link, this.nowMs)
  }

  /** Data from the local end; the link that it went over. */
  data (sequence: number, again = false): string | undefined {
    const before = this.sent.length
    const bytes = new Uint8Array(1_332)
    new DataView(bytes.buffer).setUint32(0, sequence)
    bytes[4] = again ? 0xc4 : 0xc0
    this.sender.onLocalPacket(bytes, bytes.length, this.nowMs)
    return this.sent[before]?.over
  }

  ack (link: SenderLink, sequences: number[]): void {
    const bytes = emptyAck()
    for (const [at, sequence] of sequences.entries()) {
      writeAckSequence(bytes, at, sequence)
    }
    this.from(link, bytes)
  }

  srtAck (link: SenderLink, sequence: number, number = sequence): void {
    const bytes = new Uint8Array(44)
    bytes.set([0x80, 2])
    new DataView(bytes.buffer).setUint32(4, number)
    new DataView(bytes.buffer).setUint32(16, sequence)
    this.from(link, bytes)
  }

  nak (link: SenderLink, sequences: number[], stamp = this.nowMs): void {
    const list = new LossList(1_456)
    const header = new Uint8Array(16)
    header.set([0x80, 3])
    new DataView(header.buffer).setUint32(8, stamp)
    list.begin(header)
    for (const sequence of sequences) {
      list.add(sequence)
    }
    this.from(link, list.bytes.slice(0, list.finish()))
  }

  /** The losses that the local end was told of since the last look. */
  losses (): number[] {
    const sequences: number[] = []
    for (const bytes of this.local.splice(0)) {
      if (bytes[1] === 3) {
        visitLosses(bytes, bytes.length, (first, last) => {
          for (let i = first; i <= last; i++) {
            sequences.push(i)
          }
        })
      }
    }
    return sequences
  }

  pass (ms: number): void {
    for (const untilMs = this.nowMs + ms; this.nowMs < untilMs;) {
      this.nowMs += Math.min(100, untilMs - this.nowMs)
      this.sender.onTimeout(this.nowMs)
    }
  }

  types (name: string): number[] {
    return this.sent.filter(({ over }) => over === name).map(({ bytes }) => packetType(bytes))
  }

  effects (): Array<SenderEffect['type']> {
    const effects: Array<SenderEffect['type']> = []
    for (let effect = this.sender.poll(); effect !== undefined; effect = this.sender.poll()) {
      effects.push(effect.type)
    }
    return effects
  }
}

const range = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i)

for (const mode of ['classic', 'adaptive'] as const) {
  describe(`A ${mode} sender of SRTLA: registration`, () => {
    it('probes all links, asks for a group on the one that answers first, and joins with all', () => {
      const bench = new Bench({ mode })
      const [a, b] = ['a', 'b'].map(name => bench.sender.addLink(name, bench.nowMs)) as [SenderLink, SenderLink]
      expect([...bench.types('a'), ...bench.types('b')]).to.deep.equal([REG2, REG2])
      bench.from(b, encodeBare(REG_NGP))
      bench.from(a, encodeBare(REG_NGP))
      expect(bench.types('a')).to.deep.equal([REG2])
      expect(bench.types('b')).to.deep.equal([REG2, REG1])
      const asked = (bench.sent.at(-1) as Sent).bytes.slice(2)
      const id = asked.slice().fill(0xee, 128)
      bench.from(a, encodeRegistration(REG2, id))
      bench.from(b, encodeRegistration(REG2, id.slice().fill(1, 0, 2)))
      expect(bench.sent.length, 'on another link, or with another half, it is no answer').to.equal(3)
      bench.from(b, encodeRegistration(REG2, id))
      for (const name of ['a', 'b']) {
        const last = bench.sent.filter(({ over }) => over === name).at(-1) as Sent
        expect(last.bytes).to.deep.equal(encodeRegistration(REG2, id))
      }
      expect(bench.data(1), 'before a link is up').to.equal(undefined)
      bench.from(a, encodeBare(REG3, { padded: true }))
      expect(bench.data(1)).to.equal('a')
      expect(bench.effects()).to.deep.equal(['registered', 'link-up'])
      expect(bench.sender.counters.unsent).to.equal(1)
    })

    it('sends REG1 again while no answer comes', () => {
      const bench = new Bench({ mode })
      const a = bench.sender.addLink('a', bench.nowMs) as SenderLink
      bench.from(a, encodeBare(REG_NGP))
      bench.pass(3_500)
      expect(bench.types('a').filter(type => type === REG1).length).to.be.at.least(3)
    })

    it('waits after a refusal, then asks with another id', () => {
      const bench = new Bench({ mode })
      const a = bench.sender.addLink('a', bench.nowMs) as SenderLink
      bench.from(a, encodeBare(REG_NGP))
      const first = (bench.sent.at(-1) as Sent).bytes
      bench.from(a, encodeBare(REG_ERR))
      bench.from(a, encodeBare(REG_NGP))
      expect(bench.types('a').at(-1)).to.equal(REG1)
      expect(bench.sent.filter(({ bytes }) => packetType(bytes) === REG1).length, 'not at once').to.equal(1)
      bench.pass(5_500)
      bench.from(a, encodeBare(REG_NGP))
      const second = (bench.sent.at(-1) as Sent).bytes
      expect(packetType(second)).to.equal(REG1)
      expect(second).to.not.deep.equal(first)
      expect(bench.effects()).to.deep.equal(['refused'])
    })

    it('joins again when a link has been silent, and goes on over others', () => {
      const bench = new Bench({ mode })
      const [a, b] = bench.up('a', 'b') as [SenderLink, SenderLink]
      bench.effects()
      for (let i = 0; i < 80; i++) {
        bench.pass(100)
        bench.from(a, encodeBare(KEEPALIVE))
        bench.data(i)
      }
      expect(b.state).to.equal('down')
      expect(bench.effects()).to.deep.equal(['link-down'])
      expect(bench.types('b')).to.include(REG2)
      expect(bench.sent.at(-1)?.over).to.equal('a')
      bench.from(b, encodeBare(REG3))
      expect(b.state).to.equal('up')
    })

    it('takes 16 links, and a new one in the place of one that left', () => {
      const bench = new Bench({ mode })
      const links = range(0, 16).map(i => bench.sender.addLink(`link ${i}`, bench.nowMs) as SenderLink)
      expect(bench.sender.addLink('one more', bench.nowMs)).to.equal(undefined)
      bench.from(links[3] as SenderLink, encodeBare(REG3))
      bench.data(5)
      bench.sender.removeLink(links[3] as SenderLink, bench.nowMs)
      const added = bench.sender.addLink('one more', bench.nowMs) as SenderLink
      expect(added.slot).to.equal(3)
      expect(bench.sender.inFlightOf(added), 'what the other one carried is not its own').to.equal(0)
    })

    it('never throws, and grows no further than its bounds, whatever comes', () => {
      const bench = new Bench({ mode })
      const [a] = bench.up('a') as [SenderLink]
      const random = new SeededRandom(3)
      for (let i = 0; i < 20_000; i++) {
        const bytes = new Uint8Array(random.nextUint32() % 80).map(() => random.nextUint32())
        bytes.set([[0x80, 2], [0x80, 3], [0x91, 0], [0x90, 0], [0x92, i % 20], [0x80, 0]][i % 6]?.slice(0, bytes.length) ?? [])
        bench.from(a, bytes)
        bench.sender.onLocalPacket(bytes, bytes.length, bench.nowMs)
        bench.local.length = bench.sent.length = 0
      }
    })
  })
}

describe('A classic sender of SRTLA', () => {
  it('takes the link with the largest window / (in flight + 1), the first one where they are equal', () => {
    const bench = new Bench({ mode: 'classic' })
    bench.up('a', 'b', 'c')
    expect(range(0, 7).map(i => bench.data(i))).to.deep.equal(['a', 'b', 'c', 'a', 'b', 'c', 'a'])
  })

  it('has windows of 20 packets at first, 60 at most, 1 at least', () => {
    const bench = new Bench({ mode: 'classic' })
    const [a] = bench.up('a') as [SenderLink]
    expect(a.window).to.equal(20_000)
    bench.data(0)
    bench.ack(a, range(1_000, 10))
    expect(a.window, 'each sequence number counts 1, whoever sent it').to.equal(20_010)
    for (let i = 0; i < 300; i++) {
      bench.data(1)
      bench.nak(a, [1], i)
    }
    expect(a.window).to.equal(1_000)
    for (let i = 0; i < 600; i++) {
      range(i * 200, 200).forEach(sequence => { bench.data(sequence) })
      range(0, 20).forEach(j => { bench.ack(a, range(i * 200 + j * 10, 10)) })
    }
    expect(a.window).to.equal(60_000)
  })

  it('grows a window by 29 more when more is in flight than it holds', () => {
    const bench = new Bench({ mode: 'classic' })
    const [a] = bench.up('a') as [SenderLink]
    range(0, 30).forEach(sequence => { bench.data(sequence) })
    bench.ack(a, range(0, 10))
    // in flight are 29 … 20 after each: above the window for 29 … 21, and then 20,000 is less than what it has grown to
    expect(a.window).to.equal(20_010 + 29 * 9)
    expect(bench.sender.inFlightOf(a)).to.equal(20)
  })

  it('takes 100 from the link that carried what is lost, and forgets what SRT has acknowledged, around the end of the numbers', () => {
    const bench = new Bench({ mode: 'classic' })
    const [a, b] = bench.up('a', 'b') as [SenderLink, SenderLink]
    for (const sequence of [0x7ffffffe, 0x7fffffff, 0, 1]) {
      bench.data(sequence)
    }
    bench.nak(a, [0x7fffffff, 0])
    expect([a.window, b.window]).to.deep.equal([19_900, 19_900])
    bench.srtAck(b, 0)
    expect([a, b].map(link => bench.sender.inFlightOf(link))).to.deep.equal([1, 1])
    bench.srtAck(b, 2)
    expect([a, b].map(link => bench.sender.inFlightOf(link))).to.deep.equal([0, 0])
    expect(bench.local.length).to.equal(3)
  })

  it('passes over a link that has been silent for more than 4 s', () => {
    const bench = new Bench({ mode: 'classic' })
    const [, b] = bench.up('a', 'b') as [SenderLink, SenderLink]
    bench.nowMs += 4_100
    bench.from(b, encodeBare(KEEPALIVE))
    expect(range(0, 3).map(i => bench.data(i))).to.deep.equal(['b', 'b', 'b'])
  })

  it('sends a keepalive of 2 bytes when it has sent nothing for a second', () => {
    const bench = new Bench({ mode: 'classic' })
    bench.up('a')
    bench.pass(2_100)
    expect(bench.sent.map(({ bytes }) => bytes)).to.deep.equal([encodeBare(KEEPALIVE), encodeBare(KEEPALIVE)])
  })
})

describe('A sender of SRTLA', () => {
  it('drops byte-identical copies of ACKs and NAKs, and nothing else', () => {
    const bench = new Bench({ mode: 'classic' })
    const [a, b] = bench.up('a', 'b') as [SenderLink, SenderLink]
    bench.srtAck(a, 5, 1)
    bench.srtAck(b, 5, 1)
    bench.srtAck(b, 5, 2)
    bench.nak(a, [7], 3)
    bench.nak(b, [7], 3)
    bench.nak(b, [7], 4)
    const keepalive = new Uint8Array(16)
    keepalive.set([0x80, 1])
    bench.from(a, keepalive)
    bench.from(b, keepalive)
    expect(bench.local.map(bytes => bytes[1])).to.deep.equal([2, 2, 3, 3, 1, 1])
    expect(bench.sender.counters.copies).to.equal(2)
  })

  it('tells with its keepalives what it knows of a link, and measures round trips by them', () => {
    const bench = new Bench({ mode: 'adaptive' })
    const link = bench.sender.addLink('a', bench.nowMs) as SenderLink
    bench.from(link, encodeBare(REG3))
    const { bytes } = bench.sent.at(-1) as Sent
    expect(keepaliveTimeMs(bytes)).to.equal(bench.nowMs)
    bench.nowMs += 70
    bench.from(link, bytes)
    expect(link.path.srttMs).to.equal(70)
    bench.data(1)
    bench.pass(1_100)
    const report = readKeepalive((bench.sent.at(-1) as Sent).bytes)
    expect(report).to.include({ rttMs: 70, inFlight: 1, naks: 0, connection: 0 })
    expect(report?.bytesPerSecond).to.be.within(1_000, 1_400)
    const before = link.path.srttMs
    bench.from(link, encodeBare(KEEPALIVE, { padded: true }))
    expect(link.path.srttMs, 'one without a time measures nothing').to.equal(before)
  })
})

describe('An adaptive sender of SRTLA', () => {
  /** Two links of 40 and 240 ms. */
  function unequal (): { bench: Bench, near: SenderLink, far: SenderLink } {
    const bench = new Bench({ mode: 'adaptive' })
    const [near, far] = bench.up('near', 'far') as [SenderLink, SenderLink]
    near.path.onRtt(40, bench.nowMs)
    far.path.onRtt(240, bench.nowMs)
    near.path.rttVarMs = far.path.rttVarMs = 0
    return { bench, near, far }
  }

  it('fills the link over which packets arrive soonest, then the next one', () => {
    const { bench, near } = unequal()
    const over = range(0, 30).map(i => bench.data(i))
    expect(over.slice(0, near.path.window)).to.deep.equal(over.slice(0, near.path.window).map(() => 'near'))
    expect(over.at(-1)).to.equal('far')
  })

  it('keeps a reported loss back while the packet may be on its way, and forgets it when that arrives', () => {
    const { bench, far } = unequal()
    const over = range(0, 35).map(i => bench.data(i))
    const late = range(0, 35).filter(i => over[i] === 'far').slice(0, 10)
    bench.nowMs += 50
    bench.nak(far, late)
    expect(bench.losses()).to.deep.equal([])
    bench.nowMs += 190
    bench.ack(far, late)
    bench.pass(2_000)
    expect(bench.losses()).to.deep.equal([])
    expect(bench.sender.counters.falseAlarms).to.equal(10)
    bench.nak(far, late.slice(0, 1))
    expect(bench.losses(), 'long after it has arrived: it was lost behind the receiver').to.deep.equal(late.slice(0, 1))
  })

  it('passes a loss on when later packets of the same link have arrived', () => {
    const { bench, near } = unequal()
    bench.data(0)
    for (const i of range(1, 11)) {
      bench.nowMs += 2
      bench.data(i)
    }
    bench.nowMs += 10
    bench.nak(near, [0])
    expect(bench.losses()).to.deep.equal([])
    bench.ack(near, range(2, 10))
    expect(bench.losses()).to.deep.equal([0])
    expect(near.losses).to.equal(1)
  })

  it('passes a loss on when the packet is overdue, once', () => {
    const { bench, near } = unequal()
    bench.data(0)
    bench.nowMs += 20
    bench.nak(near, [0], 1)
    bench.nak(near, [0], 2)
    expect(bench.losses()).to.deep.equal([])
    bench.pass(200)
    expect(bench.losses()).to.deep.equal([0])
    bench.pass(500)
    expect(bench.losses()).to.deep.equal([])
  })

  it('passes a loss on at once when it does not know the packet, or is told to', () => {
    const { bench, near } = unequal()
    bench.nak(near, [77])
    expect(bench.losses()).to.deep.equal([77])
    const hasty = new Bench({ mode: 'adaptive', maxHoldMs: 0 })
    const [link] = hasty.up('a') as [SenderLink]
    hasty.data(1)
    hasty.nak(link, [1])
    expect(hasty.losses()).to.deep.equal([1])
  })

  it('keeps a loss back for half of the stream\'s latency at most', () => {
    const { bench, far } = unequal()
    const handshake = new Uint8Array(64 + 16)
    handshake[0] = 0x80
    handshake.fill(0xff, 36, 40)
    handshake.set([0, 2, 0, 3, 0, 1, 5, 1, 0, 0, 0, 0xbf, 0, 120, 0, 120], 64)
    bench.from(far, handshake)
    const over = range(0, 30).map(i => bench.data(i))
    bench.local.length = 0
    bench.nak(far, [over.indexOf('far')])
    bench.nowMs += 50
    bench.data(100)
    expect(bench.losses()).to.deep.equal([])
    bench.nowMs += 11
    bench.data(101)
    expect(bench.losses()).to.deep.equal([over.indexOf('far')])
  })

  it('leaves a link that has stopped to deliver, long before it counts as down', () => {
    const { bench, near } = unequal()
    range(0, 12).forEach(i => { bench.data(i) })
    bench.nowMs += 160
    expect(near.state).to.equal('up')
    expect(bench.data(12)).to.equal('far')
    bench.pass(100)
    expect(bench.types('near').at(-1), 'it is asked whether it is alive').to.equal(KEEPALIVE)
    bench.from(near, (bench.sent.filter(({ over }) => over === 'near').at(-1) as Sent).bytes)
    bench.srtAck(near, 13)
    expect(bench.data(13)).to.equal('near')
    expect(near.path.window, 'and has to earn its window again').to.be.at.most(10)
  })
})
