import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { emptyAck, encodeBare, groupName, KEEPALIVE_BYTES, packetType, KEEPALIVE, REG3, senderStats, SrtlaSender, writeAckSequence } from '../src/index.ts'
import type { SenderLink, SenderMode } from '../src/index.ts'

const START_MS = 10_000
const PACKET_BYTES = 1_332

/** A sender whose links echo keepalives and acknowledge data after 40 ms, except those that are silent. */
class Bench {
  readonly sender: SrtlaSender
  readonly silent = new Set<string>()
  nowMs = START_MS
  private sequence = 0
  private readonly back: Array<{ atMs: number, link: SenderLink, bytes: Uint8Array }> = []
  private readonly unacked = new Map<SenderLink, number[]>()

  constructor (mode: SenderMode, names: string[]) {
    this.sender = new SrtlaSender({ mode }, new SeededRandom(1), {
      toLink: (link, bytes) => { this.onSent(link, bytes.slice()) },
      toLocal: () => {}
    }, this.nowMs)
    for (const name of names) {
      this.receive(this.sender.addLink(name, this.nowMs) as SenderLink, encodeBare(REG3))
    }
  }

  /** Data at a steady pace. */
  run (ms: number, packetEveryMs = 10): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; this.nowMs += 10) {
      this.sender.onTimeout(this.nowMs)
      while ((this.back[0]?.atMs ?? Infinity) <= this.nowMs) {
        const { link, bytes } = this.back.shift() as { link: SenderLink, bytes: Uint8Array }
        this.receive(link, bytes)
      }
      if ((this.nowMs - START_MS) % packetEveryMs === 0) {
        const bytes = new Uint8Array(PACKET_BYTES)
        new DataView(bytes.buffer).setUint32(0, this.sequence++)
        this.sender.onLocalPacket(bytes, bytes.length, this.nowMs)
      }
    }
  }

  /** A handshake's conclusion with a stream id (draft-sharabayko-srt-01, 3.2.1.3): `live_abc`, reversed by word. */
  conclude (): void {
    const bytes = new Uint8Array(64 + 12)
    const view = new DataView(bytes.buffer)
    view.setUint16(0, 0x8000)
    view.setUint32(36, 0xffffffff)
    view.setUint16(64, 5)
    view.setUint16(66, 2)
    bytes.set(new TextEncoder().encode('evilcba_'), 68)
    this.sender.onLocalPacket(bytes, bytes.length, this.nowMs)
  }

  private onSent (link: SenderLink, bytes: Uint8Array): void {
    if (this.silent.has(link.name)) {
      return
    }
    const atMs = this.nowMs + 40
    if (packetType(bytes) === KEEPALIVE && bytes.length >= KEEPALIVE_BYTES) {
      this.back.push({ atMs, link, bytes })
    } else if (packetType(bytes) < 0x8000) {
      const sequences = [...this.unacked.get(link) ?? [], new DataView(bytes.buffer).getUint32(0)]
      this.unacked.set(link, sequences.length < 10 ? sequences : [])
      if (sequences.length === 10) {
        const ack = emptyAck()
        sequences.forEach((sequence, at) => { writeAckSequence(ack, at, sequence) })
        this.back.push({ atMs, link, bytes: ack })
      }
    }
  }

  private receive (link: SenderLink, bytes: Uint8Array): void {
    this.sender.onLinkPacket(bytes, bytes.length, link, this.nowMs)
  }
}

describe('statistics of a sender', () => {
  it('are those of a receiver, with what only it knows of a link', () => {
    const bench = new Bench('adaptive', ['192.0.2.1'])
    bench.conclude()
    bench.run(5_000)
    const { groups } = senderStats(bench.sender, bench.nowMs, address => address === '192.0.2.1' ? 'Example Mobile' : undefined)
    expect(groups).to.have.length(1)
    const [group] = groups
    expect(group).to.deep.include({
      id: groupName(bench.sender.groupId), stream_id: 'live_abc', conn_count: 1, mode: 'adaptive', total_pkts: 501, total_bytes: 500 * PACKET_BYTES + 76,
      retransmitted_pkts: 0, unsent_pkts: 0, nak_count: 0, false_nak_count: 0
    })
    expect(group?.id).to.match(/^0x[0-9a-f]{16}$/)
    const [link] = group?.connections ?? []
    expect(link).to.have.all.keys('addr', 'state', 'bytes', 'pkts', 'share_pct', 'last_ms_ago', 'uptime_s', 'rtt_ms', 'window', 'in_flight', 'nak_count', 'loss_pct',
      'bitrate', 'asn_org')
    expect(link).to.include({ addr: '192.0.2.1', state: 'up', pkts: 501, share_pct: 100, uptime_s: 5, rtt_ms: 40, nak_count: 0, asn_org: 'Example Mobile' })
    expect(link?.last_ms_ago).to.be.below(200)
    expect(link?.bitrate).to.be.within(0.9 * 100 * PACKET_BYTES, 1.2 * 100 * PACKET_BYTES)
  })

  it('show the share of each link in the last three seconds, and which is silent for as long', () => {
    const bench = new Bench('classic', ['192.0.2.1', '192.0.2.2'])
    bench.run(4_000)
    const shares = (): unknown[] => senderStats(bench.sender, bench.nowMs).groups[0]?.connections.map(({ share_pct: share, stale, state }) => [share, stale, state]) ?? []
    const before = senderStats(bench.sender, bench.nowMs).groups[0]?.connections.map(({ share_pct: share }) => share) ?? []
    expect(before.reduce((sum, share) => sum + share)).to.be.closeTo(100, 0.2)
    expect(Math.min(...before)).to.be.above(20)
    bench.silent.add('192.0.2.2')
    bench.run(9_000)
    expect(shares()).to.deep.equal([[100, undefined, 'up'], [0, true, 'down']])
  })

  it('leave out what the classic rule does not measure, and a stream id that nobody told', () => {
    const [group] = senderStats(new Bench('classic', ['192.0.2.1']).sender, START_MS).groups
    expect(group).to.not.have.property('stream_id')
    expect(group?.connections[0]).to.have.all.keys('addr', 'state', 'bytes', 'pkts', 'share_pct', 'last_ms_ago', 'uptime_s', 'window', 'in_flight', 'nak_count', 'bitrate')
    expect(group?.connections[0]).to.include({ window: 20, share_pct: 0 })
  })
})
