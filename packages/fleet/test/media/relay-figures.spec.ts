import { expect } from 'chai'
import { lossShare, streamStatistics } from '../../src/media/relay-figures.ts'
import type { PacketCount } from '../../src/media/relay-figures.ts'

const REQUEST = { sessionId: 's1', streamToken: 'abc', fence: 2 }

describe('The figures of a stream', () => {
  const cases: Array<[string, PacketCount, PacketCount | undefined, number]> = [
    ['none when nothing came', { received: 0, lost: 0 }, undefined, 0],
    ['of all when it has not been looked at before', { received: 90, lost: 10 }, undefined, 0.1],
    ['of what came since', { received: 190, lost: 10 }, { received: 100, lost: 10 }, 0],
    ['of what came since, lost', { received: 175, lost: 35 }, { received: 100, lost: 10 }, 0.25],
    ['of all after its publisher connected anew', { received: 50, lost: 50 }, { received: 100, lost: 10 }, 0.5]
  ]
  for (const [what, now, before, share] of cases) {
    it(`tell the share of packets that were lost: ${what}`, () => { expect(lossShare(now, before)).to.equal(share) })
  }

  it('have the links of its own group alone', () => {
    const link = { addr: '192.0.2.7:55254', bytes: 500, pkts: 5, share_pct: 62.5, last_ms_ago: 12, uptime_s: 8, asn_org: 'Example Mobile' }
    const group = { id: '0xc9bf574c0973a0b2', total_bytes: 500, conn_count: 1, connections: [link] }
    const statistics = streamStatistics(REQUEST, undefined, 0, [{ ...group, stream_id: 'live_abc' }, { ...group, stream_id: 'live_abcd' }, group])
    expect(statistics).to.deep.equal({
      sessionId: 's1', fence: 2, live: false, bitrateBps: 0, rttMs: 0, lossShare: 0, latencyMs: 0,
      links: [{ address: '192.0.2.7:55254', bytes: 500, sharePercent: 62.5, carrier: 'Example Mobile', idleMs: 12 }]
    })
  })
})
