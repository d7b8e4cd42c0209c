import { SeededRandom, toHex } from '@skein/core'
import { expect } from 'chai'
import { encodeBare, encodeRegistration, KEEPALIVE, packetType, REG1, REG2, REG3, REG_ERR, REG_NGP, SrtlaReceiver, receiverStats, writeKeepalive } from '../src/index.ts'
import type { Origin, ReceiverEffect, ReceiverGroup, ReceiverLink, SrtlaReceiverInit } from '../src/index.ts'

interface Sent {
  to: string
  bytes: Uint8Array
}

/** A receiver, what it sent, and senders that talk to it. */
class Bench {
  readonly sent: Sent[] = []
  readonly toListener: Array<{ group: ReceiverGroup, bytes: Uint8Array }> = []
  readonly receiver: SrtlaReceiver
  nowMs = 1_000

  constructor (init: SrtlaReceiverInit = {}) {
    this.receiver = new SrtlaReceiver(init, new SeededRandom(1), {
      toLink: (link, bytes) => { this.sent.push({ to: `${link.address}:${link.port}`, bytes: bytes.slice() }) },
      toOrigin: (origin, bytes) => { this.sent.push({ to: `${origin.address}:${origin.port}`, bytes: bytes.slice() }) },
      toListener: (group, bytes) => { this.toListener.push({ group, bytes: bytes.slice() }) }
    })
  }

  /** A datagram from there; what was answered. */
  from (address: string, bytes: Uint8Array, port = 40_000): Sent[] {
    const before = this.sent.length
    const link = this.receiver.linkAt(address, port)
    if (link === undefined) {
      this.receiver.onStrangerPacket(bytes, bytes.length, originOf(address, port), this.nowMs)
    } else {
      this.receiver.onLinkPacket(bytes, bytes.length, link, this.nowMs)
    }
    return this.sent.slice(before)
  }

  /** A group with links from these addresses. */
  group (addresses: string[], half = 1): ReceiverGroup {
    const [answer] = this.from(addresses[0] as string, encodeRegistration(REG1, idOf(half)))
    const id = (answer as Sent).bytes.slice(2)
    for (const address of addresses) {
      expect(types(this.from(address, encodeRegistration(REG2, id)))).to.deep.equal([REG3])
    }
    return (this.receiver.linkAt(addresses[0] as string, 40_000) as ReceiverLink).group
  }

  listener (group: ReceiverGroup, bytes: Uint8Array): string[] {
    const before = this.sent.length
    this.receiver.onListenerPacket(bytes, bytes.length, group, this.nowMs)
    return this.sent.slice(before).map(({ to }) => to.split(':')[0] as string)
  }

  /** Time passes, a second at a time; packets of these addresses keep their links. */
  pass (ms: number, alive: string[] = []): void {
    for (const untilMs = this.nowMs + ms; this.nowMs < untilMs;) {
      this.nowMs += Math.min(500, untilMs - this.nowMs)
      for (const address of alive) {
        this.from(address, encodeBare(KEEPALIVE))
      }
      this.receiver.onTimeout(this.nowMs)
    }
  }

  effects (): ReceiverEffect[] {
    const effects: ReceiverEffect[] = []
    for (let effect = this.receiver.poll(); effect !== undefined; effect = this.receiver.poll()) {
      effects.push(effect)
    }
    return effects
  }
}

function originOf (address: string, port = 40_000): Origin {
  return { address, port, family: address.includes(':') ? 'IPv6' : 'IPv4' }
}

function idOf (half: number): Uint8Array {
  const id = new Uint8Array(256)
  id.fill(half & 0xff, 0, 128)
  id[0] = half >> 8
  return id
}

function data (sequence: number): Uint8Array {
  const bytes = new Uint8Array(1_332)
  new DataView(bytes.buffer).setUint32(0, sequence)
  return bytes
}

function control (type: number): Uint8Array {
  const bytes = new Uint8Array(20)
  bytes[0] = 0x80
  bytes[1] = type
  return bytes
}

function types (sent: Sent[]): number[] {
  return sent.map(({ bytes }) => packetType(bytes))
}

const [A, B, C] = ['192.0.2.1', '198.51.100.2', '203.0.113.3'] as [string, string, string]

describe('A receiver of SRTLA: registration', () => {
  it('does not know a group, makes one, takes links in, and answers a link again', () => {
    const bench = new Bench()
    expect(types(bench.from(A, encodeRegistration(REG2, idOf(1))))).to.deep.equal([REG_NGP])
    const [reg2] = bench.from(A, encodeRegistration(REG1, idOf(1))) as [Sent]
    expect(packetType(reg2.bytes)).to.equal(REG2)
    expect(reg2.bytes.subarray(2, 130)).to.deep.equal(idOf(1).subarray(0, 128))
    expect(reg2.bytes.subarray(130)).to.not.deep.equal(new Uint8Array(128))
    const id = reg2.bytes.slice(2)
    expect(types(bench.from(A, encodeRegistration(REG2, id)))).to.deep.equal([REG3])
    expect(types(bench.from(B, encodeRegistration(REG2, id)))).to.deep.equal([REG3])
    expect(types(bench.from(B, encodeRegistration(REG2, id))), 'once more').to.deep.equal([REG3])
    expect(bench.effects().map(({ type }) => type)).to.deep.equal(['group-opened', 'link-added', 'link-added'])
    expect([...bench.receiver.groups].map(({ links }) => links.length)).to.deep.equal([2])
  })

  it('answers a repeated REG1 with the same REG2, also from a link and from another address', () => {
    const bench = new Bench()
    const [first] = bench.from(A, encodeRegistration(REG1, idOf(1))) as [Sent]
    for (const address of [A, B]) {
      const [again] = bench.from(address, encodeRegistration(REG1, idOf(1))) as [Sent]
      expect(toHex(again.bytes)).to.equal(toHex(first.bytes))
    }
    bench.from(A, encodeRegistration(REG2, first.bytes.slice(2)))
    expect(toHex((bench.from(A, encodeRegistration(REG1, idOf(1)))[0] as Sent).bytes)).to.equal(toHex(first.bytes))
    expect(bench.receiver.groups.size).to.equal(1)
  })

  it('refuses a link that is of another group, and a group to an address that is a link', () => {
    const bench = new Bench()
    bench.group([A], 1)
    const other = bench.group([B], 2)
    expect(types(bench.from(A, encodeRegistration(REG2, other.id)))).to.deep.equal([REG_ERR])
    expect(types(bench.from(A, encodeRegistration(REG1, idOf(3))))).to.deep.equal([REG_ERR])
    expect(bench.receiver.counters.refused['address-in-use']).to.equal(2)
  })

  it('takes 16 links and no more, of any port of an address', () => {
    const bench = new Bench()
    const group = bench.group([A])
    for (let port = 1; port < 16; port++) {
      expect(types(bench.from(B, encodeRegistration(REG2, group.id), port))).to.deep.equal([REG3])
    }
    expect(types(bench.from(B, encodeRegistration(REG2, group.id), 99))).to.deep.equal([REG_ERR])
    expect(group.links.length).to.equal(16)
  })

  it('holds 200 groups and refuses one more, whose address may ask again', () => {
    const bench = new Bench()
    for (let i = 0; i < 200; i++) {
      bench.group([`10.0.${i >> 8}.${i & 255}`], 256 + i)
    }
    expect(types(bench.from(A, encodeRegistration(REG1, idOf(9))))).to.deep.equal([REG_ERR])
    expect(bench.receiver.counters.refused['table-full']).to.equal(1)
    expect(bench.receiver.groups.size).to.equal(200)
  })

  it('keeps ghosts of one address to four, and has it wait after five failures', () => {
    const bench = new Bench()
    for (let i = 0; i < 9; i++) {
      bench.from(A, encodeRegistration(REG1, idOf(i + 1)))
      expect(bench.receiver.groups.size).to.be.at.most(4)
    }
    expect(types(bench.from(A, encodeRegistration(REG1, idOf(20))))).to.deep.equal([REG_ERR])
    expect(bench.receiver.counters.refused['address-blocked']).to.equal(1)
    expect(types(bench.from(B, encodeRegistration(REG1, idOf(21)))), 'others are not blocked').to.deep.equal([REG2])
    bench.pass(61_000)
    expect(types(bench.from(A, encodeRegistration(REG1, idOf(22)))), 'a minute later').to.deep.equal([REG2])
  })

  it('lives through a flood from many addresses: live groups stay, new ones still come in', () => {
    const bench = new Bench()
    const live = bench.group([A], 1)
    for (let i = 0; i < 20_000; i++) {
      bench.from(`10.${i >> 16}.${i >> 8 & 255}.${i & 255}`, encodeRegistration(REG1, idOf(256 + i)))
    }
    expect(bench.receiver.groups.size).to.be.at.most(101)
    expect(bench.receiver.groups.has(live)).to.equal(true)
    expect(bench.group([B], 2).links.length).to.equal(1)
  })

  it('sends nothing that is larger than what asked for it, and nothing at all to what is not SRTLA', () => {
    const bench = new Bench()
    const random = new SeededRandom(7)
    for (let i = 0; i < 20_000; i++) {
      const bytes = new Uint8Array(random.nextUint32() % 300).map(() => random.nextUint32())
      if (i % 3 === 0 && bytes.length > 1) {
        bytes[0] = 0x92
        bytes[1] = random.nextUint32() % 4
      }
      for (const { bytes: answer } of bench.from(A, bytes)) {
        expect(answer.length).to.be.at.most(bytes.length)
      }
    }
    expect(bench.receiver.groups.size).to.be.at.most(4)
  })
})

describe('A receiver of SRTLA: packets', () => {
  it('passes SRT on as it is, and acknowledges each ten data packets of a link over that link', () => {
    const bench = new Bench()
    bench.group([A, B])
    for (let i = 0; i < 19; i++) {
      const answers = bench.from(i % 2 === 0 ? A : B, data(i))
      expect(answers.length, `after ${i}`).to.equal(i === 18 ? 1 : 0)
    }
    const [ack] = bench.from(B, data(19)) as [Sent]
    expect(ack.to).to.equal(`${B}:40000`)
    expect(toHex(ack.bytes)).to.equal('91000000' + [1, 3, 5, 7, 9, 11, 13, 15, 17, 19].map(n => n.toString(16).padStart(8, '0')).join(''))
    expect(bench.toListener.length).to.equal(20)
    expect(bench.from(A, control(6)).length, 'control packets are not acknowledged').to.equal(0)
    expect(bench.toListener.at(-1)?.bytes).to.deep.equal(control(6))
    expect(bench.from(A, new Uint8Array(15)).length + bench.toListener.length, 'too short for SRT').to.equal(21)
  })

  it('echoes keepalives byte for byte, and drops what it does not know', () => {
    const bench = new Bench()
    const group = bench.group([A])
    const long = new Uint8Array(38)
    writeKeepalive(long, { timeMs: 5, connection: 0, window: 1, inFlight: 2, rttMs: 33, naks: 0, bytesPerSecond: 9 })
    for (const bytes of [encodeBare(KEEPALIVE), encodeBare(KEEPALIVE, { padded: true }), long]) {
      expect(bench.from(A, bytes).map(sent => toHex(sent.bytes))).to.deep.equal([toHex(bytes)])
    }
    expect(group.links[0]?.report?.rttMs).to.equal(33)
    expect(bench.from(A, Uint8Array.of(0x95, 0x55))).to.deep.equal([])
    expect(bench.from(A, new Uint8Array(0))).to.deep.equal([])
    expect(bench.toListener.length).to.equal(0)
  })

  it('sends ACKs of SRT over all links, other packets over the last active one', () => {
    const bench = new Bench()
    const group = bench.group([A, B, C])
    bench.from(B, data(1))
    expect(bench.listener(group, control(2)).sort()).to.deep.equal([A, B, C].sort())
    expect(bench.listener(group, control(0))).to.deep.equal([B])
    bench.from(C, data(2))
    expect(bench.listener(group, control(5))).to.deep.equal([C])
  })

  it('sends a NAK over the best link, and over two when the best was not heard just now', () => {
    const bench = new Bench()
    const group = bench.group([A, B, C])
    const tell = (address: string, rttMs: number): void => {
      const long = new Uint8Array(38)
      writeKeepalive(long, { timeMs: 5, connection: 0, window: 1, inFlight: 2, rttMs, naks: 0, bytesPerSecond: 9 })
      bench.from(address, long)
    }
    for (const [address, rttMs] of [[A, 120], [B, 40], [C, 240]] as const) {
      tell(address, rttMs)
      bench.from(address, data(1))
    }
    expect(bench.listener(group, control(3)), 'the shortest round trip').to.deep.equal([B])
    bench.nowMs += 90
    bench.from(A, data(2))
    bench.from(C, data(2))
    bench.nowMs += 60
    expect(bench.listener(group, control(3)), 'A spoke 60 ms ago, B 150 ms ago').to.deep.equal([A])
    bench.nowMs += 300
    expect(bench.listener(group, control(3)).length, 'all are silent').to.equal(2)
    bench.nowMs += 2_000
    bench.from(C, data(3))
    expect(bench.listener(group, control(3)), 'the others seem dead').to.deep.equal([C])
  })

  it('sends data of the listener over one link, whichever was last active, until another is much better', () => {
    const bench = new Bench()
    const group = bench.group([A, B, C])
    const round = (addresses: string[]): string[] => addresses.flatMap(address => {
      bench.nowMs += 5
      bench.from(address, data(1))
      return bench.listener(group, data(7))
    })
    for (const [address, rttMs] of [[A, 60], [B, 40], [C, 240]] as const) {
      const long = new Uint8Array(38)
      writeKeepalive(long, { timeMs: 5, connection: 0, window: 1, inFlight: 2, rttMs, naks: 0, bytesPerSecond: 9 })
      bench.from(address, long)
      bench.from(address, data(1))
    }
    expect(round([A, B, C, A, C, B])).to.deep.equal([B, B, B, B, B, B])
    const without = round(Array.from({ length: 60 }, (_, i) => [A, C][i % 2] as string))
    expect([without[0], without.at(-1)], 'B has fallen silent').to.deep.equal([B, A])
    expect(round([B, A, B, A]), 'B is back, and hardly better').to.deep.equal([A, A, A, A])
    bench.receiver.onTimeout(bench.nowMs)
  })

  it('reads the stream id of the handshake', () => {
    const bench = new Bench()
    const group = bench.group([A])
    const handshake = new Uint8Array(64 + 12)
    handshake[0] = 0x80
    handshake.fill(0xff, 36, 40)
    handshake.set([0, 5, 0, 2, 0x65, 0x76, 0x69, 0x6c, 0x63, 0x62, 0x61, 0x5f], 64)
    bench.from(A, handshake)
    expect(group.streamId).to.equal('live_abc')
    expect(bench.effects().at(-1)?.type).to.equal('stream-named')
  })

  it('tells when the caller has begun another connection', () => {
    const bench = new Bench()
    bench.group([A])
    bench.effects()
    const handshake = new Uint8Array(64)
    handshake[0] = 0x80
    for (const socket of [7, 7, 8, 8]) {
      handshake[43] = socket
      bench.from(A, handshake)
    }
    expect(bench.effects().map(({ type }) => type)).to.deep.equal(['session-changed'])
    expect(bench.toListener.length).to.equal(4)
  })

  it('keeps the group while nobody listens for SRT, and tells when that begins and ends', () => {
    const bench = new Bench()
    const group = bench.group([A])
    bench.effects()
    for (let i = 0; i < 3; i++) {
      bench.receiver.onListenerAbsent(group, bench.nowMs)
    }
    bench.pass(60_000, [A])
    expect(bench.receiver.groups.has(group)).to.equal(true)
    bench.listener(group, control(0))
    bench.listener(group, control(2))
    expect(bench.effects().map(({ type }) => type)).to.deep.equal(['listener-absent', 'listener-back'])
  })

  it('removes a link after 10 s of silence, and the group 10 s after its last one', () => {
    const bench = new Bench()
    const group = bench.group([A, B])
    bench.effects()
    bench.pass(14_000, [A])
    expect(group.links.map(({ address }) => address)).to.deep.equal([A])
    bench.pass(13_000)
    expect(group.links.length).to.equal(0)
    expect(bench.receiver.groups.has(group)).to.equal(true)
    expect(types(bench.from(B, encodeRegistration(REG2, group.id))), 'a link may come back meanwhile').to.deep.equal([REG3])
    bench.pass(30_000)
    expect(bench.effects().map(({ type }) => type)).to.deep.equal(['link-lost', 'link-lost', 'link-added', 'link-lost', 'group-closed'])
    expect(bench.receiver.groups.size).to.equal(0)
    expect(bench.receiver.nextTimeoutMs(), 'nothing to wait for').to.equal(undefined)
  })

  it('shares what it can pass on fairly: a flood costs those who send it', () => {
    const bench = new Bench({ maxPacketsPerSecond: 1_000 })
    const calm = bench.group([A], 1)
    const flood = bench.group([B], 2)
    for (let ms = 0; ms < 2_000; ms++) {
      bench.nowMs++
      if (ms % 4 === 0) {
        bench.from(A, data(ms)) // 250 packets/s
      }
      for (let i = 0; i < 10; i++) {
        bench.from(B, data(ms * 10 + i)) // 10,000 packets/s
      }
    }
    expect(calm.droppedPackets).to.equal(0)
    expect(flood.totalPackets).to.be.within(1_400, 1_800)
    expect(flood.droppedPackets).to.be.above(18_000)
  })

  it('drops nothing while all that comes can be passed on, however unequal', () => {
    const bench = new Bench({ maxPacketsPerSecond: 1_000 })
    const groups = Array.from({ length: 20 }, (_, i) => bench.group([`10.0.0.${i + 1}`], i + 1))
    for (let ms = 0; ms < 2_000; ms++) {
      bench.nowMs++
      if (ms % 10 < 9) {
        bench.from('10.0.0.1', data(ms)) // 900 packets/s, the others nothing
      }
    }
    expect(groups[0]?.droppedPackets).to.equal(0)
  })
})

describe('Statistics of a receiver', () => {
  it('have the fields that operators\' tools read', () => {
    const bench = new Bench()
    const group = bench.group([A, B])
    for (let i = 0; i < 30; i++) {
      bench.nowMs += 100
      bench.from(A, data(i))
      if (i % 3 === 0) {
        bench.from(B, data(i))
      }
      bench.receiver.onTimeout(bench.nowMs)
    }
    group.streamId = 'live_x'
    bench.nowMs += 12
    const stats = receiverStats(bench.receiver.groups, bench.nowMs, address => address === A ? 'Example Mobile' : undefined)
    expect(stats).to.deep.equal({
      groups: [{
        id: group.name,
        stream_id: 'live_x',
        total_bytes: 40 * 1_332,
        conn_count: 2,
        connections: [
          { addr: `${A}:40000`, bytes: 30 * 1_332, pkts: 30, share_pct: 75, last_ms_ago: 12, uptime_s: 3, asn_org: 'Example Mobile' },
          { addr: `${B}:40000`, bytes: 10 * 1_332, pkts: 10, share_pct: 25, last_ms_ago: 212, uptime_s: 3 }
        ]
      }]
    })
  })

  it('count shares of the last 3 s, and mark what has been silent for as long', () => {
    const bench = new Bench()
    bench.group([A, B])
    bench.from(B, data(1))
    for (let i = 0; i < 50; i++) {
      bench.nowMs += 100
      bench.from(A, data(i))
      bench.receiver.onTimeout(bench.nowMs)
    }
    const [group] = receiverStats(bench.receiver.groups, bench.nowMs).groups
    expect(group?.connections.map(({ share_pct: share, stale }) => [share, stale])).to.deep.equal([[100, undefined], [0, true]])
    expect(receiverStats(bench.receiver.groups, bench.nowMs).groups[0]).to.not.have.property('stream_id')
  })

  it('leave ghosts out, and write IPv6 in brackets', () => {
    const bench = new Bench()
    bench.from(A, encodeRegistration(REG1, idOf(7)))
    bench.group(['2001:db8::1'], 8)
    expect(receiverStats(bench.receiver.groups, bench.nowMs).groups.map(({ connections }) => connections.map(({ addr }) => addr)))
      .to.deep.equal([['[2001:db8::1]:40000']])
  })
})
