import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@skein/srt/node'
import { SenderService } from '@skein/srtla/node'
import { expect } from 'chai'
import { bondedOptions } from '../src/node/bonded-options.ts'
import { createMediaRelay } from '../src/node/index.ts'
import { Encoder, needPrograms, Player, stopWhenQuiet, until } from './media-programs.ts'
import type { MediaRelay } from '../src/node/index.ts'

const LINKS = ['127.0.0.2', '127.0.0.3', '127.0.0.4']

describe('a media relay behind SRTLA', function () {
  this.timeout(60_000)
  let folder: string
  let relay: MediaRelay
  let sender: SenderService
  const running: Array<{ stop: () => Promise<void> }> = []

  before(function () {
    if (process.platform !== 'linux') {
      this.skip() // elsewhere 127.0.0.1 is the only address of loopback
    }
    needPrograms(this)
  })

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-media-'))
    relay = await createMediaRelay({
      host: '127.0.0.1', publisherPort: 0, playerPort: 0, srtlaPort: 0, apiPort: 0, statsPort: 0, linkStatsPort: 0,
      organizationOf: address => address === '127.0.0.3' ? 'Carrier Three' : undefined
    })
    await relay.book.addStream({ publisher: 'live_a', player: 'play_a', description: '' })
    sender = await SenderService.start({ port: 0, host: '127.0.0.1', receiver: { host: '127.0.0.1', port: relay.srtlaPort as number }, links: LINKS })
  })

  afterEach(async () => {
    await Promise.all(running.splice(0).map(async program => { await program.stop() }))
    await sender.stop()
    await relay.stop()
    await rm(folder, { recursive: true })
  })

  it('plays what came over three links, of which one goes, and tells of each', async () => {
    const player = new Player({ port: relay.playerPort, streamId: 'play_a', file: join(folder, 'played.ts') })
    running.push(player)
    await until('the player is connected', () => relay.fanout.fanout.playerCount === 1, 10_000)
    const published = join(folder, 'published.ts')
    const encoder = new Encoder({ port: sender.port, streamId: 'live_a', seconds: 6, mbitPerSecond: 4, file: published, latencyMs: 300 })
    running.push(encoder)

    await until('two seconds are published', () => (relay.fanout.fanout.publicationOf('live_a')?.bytes ?? 0) > 1_000_000, 15_000)
    const { groups } = await (await fetch(`${relay.linkStatsUrl}/stats`)).json() as { groups: any[] }
    const { publisher } = await (await fetch(`${relay.statsUrl}/stats/play_a`)).json() as { publisher: { latency: number } }
    const metrics = await (await fetch(`${relay.statsUrl}/metrics`)).text()
    await sender.setLinks(LINKS.slice(1))
    expect(await encoder.exit(), encoder.output).to.equal(0)
    const bytes = await readFile(published)
    await stopWhenQuiet([player])
    const played = await readFile(player.file)
    expect([played.length, sha256(played)]).to.deep.equal([bytes.length, sha256(bytes)])
    expect(groups).to.have.length(1)
    expect(groups[0]).to.include({ stream_id: 'live_a', conn_count: 3 })
    const connections = groups[0].connections as Array<{ addr: string, pkts: number, asn_org?: string }>
    expect(connections.map(({ addr }) => addr.replace(/:\d+$/, '')).sort()).to.deep.equal(LINKS)
    expect(connections.filter(({ asn_org: organization }) => organization === 'Carrier Three')).to.have.length(1)
    const valueOf = (name: string): number => Number(new RegExp(`^skein_${name.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(metrics)?.[1])
    expect([valueOf('media_publishers'), valueOf('media_players{by="srt"}'), valueOf('media_dropped_packets_total')]).to.deep.equal([1, 1, 0])
    expect(valueOf('media_received_bytes_total')).to.be.above(1_000_000).and.at.least(valueOf('media_sent_bytes_total'))
    expect(valueOf(`media_stream_latency_seconds{stream="${sha256(Buffer.from('live_a')).slice(0, 8)}"}`)).to.equal(1)
    expect(valueOf('srtla_links'), 'those of the receiver are there too').to.equal(3)
    expect(metrics).to.not.contain('live_a')
    expect(publisher.latency, 'ms, though the encoder asked for 300').to.equal(1_000)
  })
})

describe('a media relay on all of IPv4 and IPv6', function () {
  this.timeout(30_000)

  before(function () {
    if (process.platform !== 'linux' || !Object.values(networkInterfaces()).flat().some(entry => entry?.address === '::1')) {
      this.skip()
    }
  })

  for (const [link, receiver, player] of [['127.0.0.2', '127.0.0.1', '::1'], ['::1', '::1', '127.0.0.1']] as const) {
    it(`takes what comes from ${link} by SRTLA, and is played at ${player}`, async () => {
      const relay = await createMediaRelay({ host: '::', publisherPort: 0, playerPort: 0, srtlaPort: 0, apiPort: 0, statsPort: 0, linkStatsPort: 0 })
      const sender = await SenderService.start({ port: 0, host: '127.0.0.1', receiver: { host: receiver, port: relay.srtlaPort as number }, links: [link] })
      try {
        await relay.book.addStream({ publisher: 'live_a', player: 'play_a', description: '' })
        const playing = await connect({ host: player, port: relay.playerPort, streamId: 'play_a' })
        const publishing = await connect({ port: sender.port, streamId: 'live_a', connectTimeoutMs: 10_000 })
        await publishing.write(Uint8Array.of(1, 2, 3))
        expect([...await playing.read({ signal: AbortSignal.timeout(15_000) }) ?? []]).to.deep.equal([1, 2, 3])
        expect(publishing.statistics().msSndTsbPdDelay, 'ms, as behind SRTLA').to.equal(1_000)
        publishing.abort()
        playing.abort()
      } finally {
        await sender.stop()
        await relay.stop()
      }
    })
  }
})

describe('the options of a publisher behind SRTLA', () => {
  const GROUPS = [{ streamId: undefined }, { streamId: 'live_a' }]

  it('are for those that call from the receiver with a stream id of one of its groups', () => {
    expect(bondedOptions({ address: '127.0.0.1', streamId: 'live_a' }, '127.0.0.1', GROUPS)).to.deep.equal({
      latencyMs: 1_000, lossMaxTtlPackets: 40, lossReportDelayMs: 250
    })
    expect(bondedOptions({ address: '192.0.2.1', streamId: 'live_a' }, '127.0.0.1', GROUPS)).to.equal(undefined)
    expect(bondedOptions({ address: '127.0.0.1', streamId: 'live_b' }, '127.0.0.1', GROUPS)).to.equal(undefined)
    expect(bondedOptions({ address: '127.0.0.1', streamId: 'live_a' }, '127.0.0.1', [])).to.equal(undefined)
  })

  it('leave a greater latency as it is', () => {
    expect(bondedOptions({ address: '::1', streamId: 'live_a' }, '::1', GROUPS, 2_000)).to.include({ latencyMs: 2_000 })
  })
})

function sha256 (bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
