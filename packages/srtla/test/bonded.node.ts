import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { LinkWatch } from '../src/node/index.ts'
import { BondedStream, LINK_ADDRESSES, until } from './bonded-stream.ts'
import { hasProgram } from './srt-live-transmit.ts'
import type { BondedStreamInit } from './bonded-stream.ts'

const LATENCY_MS = 1_500
const [NEAR, MIDDLE, FAR] = LINK_ADDRESSES as [string, string, string]

/** Runs with what came of it; the packets of the stream proper are numbered from `first` to `last`. */
interface Outcome {
  first: number
  last: number
  missing: number
  retransmitted: number
  dropped: number
}

/** libsrt at both ends; the stream proper is followed by a slow one, so that its last packets have successors. */
async function stream (
  init: Partial<BondedStreamInit>, bitsPerSecond: number, durationMs: number, during: (stream: BondedStream) => Promise<void> = async () => {}
): Promise<Outcome & { stream: BondedStream }> {
  const bonded = await BondedStream.start({ latencyMs: LATENCY_MS, ...init })
  try {
    const first = bonded.source.sent
    await Promise.all([bonded.send(bitsPerSecond, durationMs), during(bonded)])
    const last = bonded.source.sent - 1
    await bonded.send(200_000, 2_500)
    await until(() => bonded.sink.seen.has(last + 1), 'the stream has come out', 5_000).catch(() => {})
    await until(() => bonded.figures().retransmitted !== undefined, 'statistics are written')
    const { retransmitted = NaN, dropped = NaN } = bonded.figures()
    expect(bonded.sink.damaged).to.equal(0)
    return { first, last, missing: bonded.sink.missing(first, last).length, retransmitted, dropped, stream: bonded }
  } finally {
    await bonded.stop()
  }
}

describe('A bonded stream between programs of libsrt, over real links of 4/3/2 Mbit/s, 40/120/240 ms, 0.5/2/5 % loss', function () {
  this.timeout(120_000)

  before(function () {
    if (!hasProgram('srt-live-transmit')) {
      this.skip()
    }
  })

  it('of 5 Mbit/s for 20 s comes whole, with fewer than 3,500 packets sent again', async () => {
    const { missing, dropped, retransmitted } = await stream({}, 5e6, 20_000)
    console.log(`      ${retransmitted} sent again`)
    expect({ missing, dropped }).to.deep.equal({ missing: 0, dropped: 0 })
    expect(retransmitted).to.be.below(3_500)
  })

  it('carries 85 % of what the links can together', async () => {
    const durationMs = 15_000
    const { first, last, missing, retransmitted } = await stream({}, 7.8e6, durationMs)
    const carried = (last - first + 1 - missing) * 1_316 * 8_000 / durationMs
    console.log(`      ${(carried / 9e4).toFixed(1)} % carried, ${missing} missing, ${retransmitted} sent again`)
    expect(carried).to.be.at.least(0.85 * 9e6)
  })

  it('loses no packet when a link that is in use is cut and comes back', async () => {
    const { missing, dropped } = await stream({}, 4e6, 14_000, async ({ proxy, sender }) => {
      await new Promise(resolve => { setTimeout(resolve, 3_000) })
      proxy.cutLink(NEAR)
      await new Promise(resolve => { setTimeout(resolve, 6_000) })
      const cut = sender.sender.links.find(({ name }) => name === NEAR)
      const packets = cut?.packets ?? NaN
      proxy.restoreLink(NEAR)
      await until(() => (cut?.packets ?? 0) > packets + 100, 'the link is used again')
    })
    expect({ missing, dropped }).to.deep.equal({ missing: 0, dropped: 0 })
  })

  it('uses a link within 3 s of its address being written to the file, and leaves one that is taken out', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'skein-srtla-'))
    const path = join(folder, 'links.txt')
    await writeFile(path, `${MIDDLE}\n${FAR}\n`)
    let watch: LinkWatch | undefined
    try {
      const { missing } = await stream({ links: [MIDDLE, FAR] }, 3.5e6, 10_000, async ({ sender, proxy }) => {
        watch = await LinkWatch.start({ source: { type: 'file', path }, onLinks: async links => { await sender.setLinks(links) } })
        await new Promise(resolve => { setTimeout(resolve, 2_000) })
        await writeFile(path, `${NEAR}\n${MIDDLE}\n${FAR}\n`)
        await until(() => (proxy.packets.get(NEAR) ?? 0) > 100, 'a hundred packets over the new link', 3_000)
        await writeFile(path, `${NEAR}\n${MIDDLE}\n`)
        await until(() => sender.sender.links.length === 2, 'the other one is left', 3_000)
      })
      expect(missing).to.equal(0)
    } finally {
      watch?.close()
      await rm(folder, { recursive: true })
    }
  })

  it('has fewer packets sent again by the adaptive rule than by the classic one', async () => {
    const classic = await stream({ mode: 'classic' }, 5e6, 8_000)
    const adaptive = await stream({ mode: 'adaptive' }, 5e6, 8_000)
    console.log(`      classic ${classic.retransmitted}, adaptive ${adaptive.retransmitted} sent again`)
    expect(adaptive.retransmitted).to.be.below(classic.retransmitted / 2)
    expect(adaptive.missing).to.equal(0)
  })
})
