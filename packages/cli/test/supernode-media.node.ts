import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSeed } from '@skein/seed'
import { expect } from 'chai'
import { Encoder, needPrograms, Player, stopWhenQuiet, until } from '../../media-relay/test/media-programs.ts'
import { SkeinProcess } from './skein-process.ts'
import type { Seed } from '@skein/seed'
import type { SkeinEvent } from './skein-process.ts'

const PORTS = ['srtla', 'publisher', 'player', 'api', 'stats', 'link-stats'].flatMap(name => [`--media-${name}-port`, '0'])
const LINKS = ['127.0.0.2', '127.0.0.3', '127.0.0.4']

describe('skein supernode --media', function () {
  this.timeout(120_000)
  const running: Array<{ dispose: () => Promise<void> }> = []
  let folder: string
  let seed: Seed

  before(function () {
    if (process.platform !== 'linux') {
      this.skip() // elsewhere 127.0.0.1 is the only address of loopback
    }
    needPrograms(this)
  })
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-supernode-media-'))
    seed = await createSeed({ listen: ['/ip4/127.0.0.1/tcp/0'], roles: ['discover', 'bootstrap'] })
  })
  afterEach(async () => {
    await Promise.all(running.splice(0).map(async one => { await one.dispose() }))
    await seed?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  function skein (...args: string[]): SkeinProcess {
    const child = new SkeinProcess(args)
    running.push(child)
    return child
  }

  function supernode (...args: string[]): SkeinProcess {
    return skein('supernode', '--listen', '/ip4/127.0.0.1/tcp/0', '--data', join(folder, 'data'), '--cpu', 'none', '--media', '--media-host', '127.0.0.1',
      ...PORTS, ...seed.addresses.flatMap(address => ['--seed', address]), ...args)
  }

  async function status (): Promise<SkeinEvent> {
    const child = skein('supernode', 'status', '--data', join(folder, 'data'))
    const told = await child.event('status')
    await child.exit()
    return told
  }

  it('brings a stream from an encoder with three links to a player of a peer that nobody can dial, within its quota', async () => {
    const child = supernode('--metrics', '0')
    const { id, addresses, metrics, media } = await child.event('listening')
    expect((await child.event('key')).key).to.be.a('string')
    const viewer = skein('media-ingest', addresses[0], '--port', '0')
    const { srtlaPort, publisherPort, publisher, host } = await viewer.event('ingest')
    expect([srtlaPort, publisherPort, host]).to.deep.equal([media.srtlaPort, media.publisherPort, '127.0.0.1'])
    const { relay, port, url } = await viewer.event('listening')
    expect([relay, url]).to.deep.equal([id, `srt://127.0.0.1:${port}?streamid=${new URL(url).searchParams.get('streamid')}`])
    const player = new Player({ port, streamId: new URL(url).searchParams.get('streamid') as string, file: join(folder, 'played.ts') })
    await viewer.event('player:connected')

    const links = join(folder, 'links.txt')
    await writeFile(links, LINKS.join('\n'))
    const sender = skein('srtla', 'send', '0', host, String(srtlaPort), links, '--listen-host', '127.0.0.1')
    await Promise.all(LINKS.map(async link => await sender.event('link-up', event => event.link === link)))
    const { port: encoderPort } = await sender.event('listening')
    const published = join(folder, 'published.ts')
    const encoder = new Encoder({ port: encoderPort, streamId: publisher, seconds: 4, mbitPerSecond: 3, file: published })
    await child.event('publisher:connected')
    const during = await status()
    expect(await encoder.exit(), encoder.output).to.equal(0)
    await stopWhenQuiet([player])
    const [sent, got] = [await readFile(published), await readFile(player.file)]
    expect([got.length, got.equals(sent)], 'played as it was published').to.deep.equal([sent.length, true])

    expect(during.roles).to.deep.equal(['hub', 'relay', 'ingest'])
    expect(during.media).to.deep.include({ publishers: 1, players: { srt: 0, mesh: 1 }, ingests: 1, withheldPackets: 0 })
    const after = await status()
    expect(after.media.receivedBytes).to.equal(sent.length)
    expect(after.today.bytes, 'it came in and went out').to.be.above(2 * sent.length)
    expect(after.today.bytes, 'and was counted once each way').to.be.below(2.5 * sent.length + 300_000)
    expect(await (await fetch(`${metrics}/metrics`)).text()).to.match(/^skein_supernode_media_ingests 1$/m)
      .and.to.match(new RegExp(`^skein_supernode_media_bytes_total\\{direction="out"\\} ${sent.length}$`, 'm'))
    expect(await (await fetch(`${media.stats}/metrics`)).text()).to.match(/^skein_srtla_groups 1$/m)
    expect(JSON.stringify([child.events, viewer.events.filter(({ event }) => event !== 'ingest')])).to.not.contain(publisher)
    viewer.kill('SIGINT')
    expect(await viewer.exit()).to.include({ code: 0 })
    child.kill('SIGTERM')
    expect(await child.exit()).to.include({ code: 0 })
  })

  it('lets a stream pass up to the quota of the day and not beyond, and nobody in after', async () => {
    const limit = 1_500_000
    const child = supernode('--per-day', `${limit}`)
    const { addresses } = await child.event('listening')
    const viewer = skein('media-ingest', addresses[0], '--port', '0', '--publisher', 'live_0123456789abcdef')
    const { publisherPort } = await viewer.event('ingest')
    const encoder = new Encoder({ port: publisherPort, streamId: 'live_0123456789abcdef', seconds: 60, mbitPerSecond: 2 })
    expect(await encoder.exit(), 'its connection was ended').to.not.equal(0)
    expect(await child.event('state', ({ state }) => state === 'paused')).to.deep.include({ why: ['day'] })
    expect(await child.event('publisher:closed')).to.include({ reason: 'limit' })
    const refused = new Encoder({ port: publisherPort, streamId: 'live_0123456789abcdef', seconds: 5, mbitPerSecond: 2 })
    expect(await refused.exit()).to.not.equal(0)
    expect(await child.event('caller:refused')).to.include({ role: 'publisher', reason: 'overload' })
    let told = await status()
    await until('what is carried stands still', async () => {
      const before = told.media
      told = await status()
      return before.sentBytes === told.media.sentBytes && before.receivedBytes === told.media.receivedBytes
    }, 30_000)
    expect(told.media.receivedBytes + told.media.sentBytes).to.be.within(0.5 * limit, limit)
    expect(told.media.withheldPackets).to.be.above(0)
  })

  it('needs none of its ports when it is not asked to take streams in', async () => {
    const child = skein('supernode', '--listen', '/ip4/127.0.0.1/tcp/0', '--data', join(folder, 'data'), '--cpu', 'none', '--seed', seed.addresses[0] as string)
    const { addresses, media } = await child.event('listening')
    expect(media).to.equal(undefined)
    const viewer = skein('media-ingest', addresses[0], '--port', '0', '--timeout', '10')
    expect(await viewer.exit()).to.include({ code: 1 })
    expect(viewer.stderr).to.contain('no super-node that takes streams in')
  })
  it('is looked for by who names none, and missed where the region has none', async () => {
    const viewer = skein('media-ingest', '--seed', seed.addresses[0] as string, '--region', 'eu-west', '--port', '0', '--timeout', '3')
    expect(await viewer.exit()).to.include({ code: 1 })
    expect(viewer.stderr).to.contain('No super-node that takes streams in was found in eu-west')
  })
})
