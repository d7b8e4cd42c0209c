import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@skein/srt/node'
import { expect } from 'chai'
import { Encoder, needPrograms, Player, stopWhenQuiet } from '../../media-relay/test/media-programs.ts'
import { SkeinProcess } from './skein-process.ts'

const PORTS = ['publisher', 'player', 'srtla', 'api', 'stats', 'link-stats'].flatMap(name => [`--${name}-port`, '0'])

describe('skein media-relay', function () {
  this.timeout(60_000)
  const running: SkeinProcess[] = []
  let folder: string

  before(async () => { folder = await mkdtemp(join(tmpdir(), 'skein-media-cli-')) })
  after(async () => {
    await Promise.all(running.map(async process => { await process.dispose() }))
    await rm(folder, { recursive: true })
  })

  function relay (...args: string[]): SkeinProcess {
    const process = new SkeinProcess(['media-relay', '--host', '127.0.0.1', ...PORTS, '--data', join(folder, 'data'), ...args])
    running.push(process)
    return process
  }

  it('hands a stream of ffmpeg to a player, says what happens, and keeps what it was told', async function () {
    needPrograms(this)
    const first = relay('--stream', 'live_secret1=play_secret2')
    const { publisherPort, playerPort, api, stats, linkStats } = await first.event('listening')
    const { key } = await first.event('key')
    const file = join(folder, 'played.ts')
    const player = new Player({ port: playerPort, streamId: 'play_secret2', file })
    expect(await first.event('player:connected')).to.include({ player: 'play_secr…', address: '127.0.0.1' })
    const published = join(folder, 'published.ts')
    const encoder = new Encoder({ port: publisherPort, streamId: 'live_secret1', seconds: 2, mbitPerSecond: 2, file: published })
    await first.event('publisher:connected')
    expect(await (await fetch(`${stats}/stats/play_secret2`)).json()).to.have.property('publisher')
    expect(await (await fetch(`${linkStats}/stats`)).json()).to.deep.equal({ groups: [] })
    expect(await encoder.exit(), encoder.output).to.equal(0)
    expect(await first.event('publisher:closed')).to.include({ publisher: 'live_secr…', reason: 'ended' })
    await stopWhenQuiet([player])
    expect((await readFile(file)).equals(await readFile(published)), 'played as it was published').to.equal(true)
    expect(await first.event('player:closed')).to.include({ droppedPackets: 0 })

    const withKey = { headers: { authorization: `Bearer ${key}` } }
    expect((await fetch(`${api}/api/stream-ids`)).status).to.equal(401)
    expect((await fetch(`${api}/api/stream-ids`, { ...withKey, method: 'POST', body: '{"publisher":"live_b","player":"play_b"}' })).status).to.equal(200)
    const beside = relay()
    expect(await beside.exit()).to.include({ code: 1 })
    expect(beside.stderr).to.contain('is used by process')
    first.kill('SIGTERM')
    expect(await first.exit()).to.include({ code: 0 })

    const second = relay('--no-srtla', '--stream', 'live_secret1=play_secret2')
    const again = await second.event('listening')
    expect(again).not.to.have.property('srtlaPort')
    const { data } = await (await fetch(`${again.api}/api/stream-ids`, withKey)).json() as { data: Array<{ player: string }> }
    expect(data.map(({ player }) => player)).to.deep.equal(['play_secret2', 'play_b'])
    expect(second.events.map(({ event }) => event)).not.to.include('key')
    second.kill('SIGINT')
    expect(await second.exit()).to.include({ code: 0 })
    const texts = [first, second].map(({ events }) => JSON.stringify(events)).join()
    expect(texts).not.to.contain('secret1').and.not.to.contain('secret2')
  })

  it('hands a stream to a peer of the mesh that nobody can dial, and from there to a player', async function () {
    needPrograms(this)
    const ingest = relay('--ephemeral', '--no-srtla', '--stream', 'live_secret1=play_secret2', '--mesh', '--listen', '/ip4/127.0.0.1/tcp/0')
    const { publisherPort, addresses } = await ingest.event('listening')
    const viewer = new SkeinProcess(['media-watch', addresses[0], 'play_secret2', '--port', '0'])
    running.push(viewer)
    const { port } = await viewer.event('listening')
    await viewer.event('stream:connected')
    const player = new Player({ port, streamId: 'play_secret2', file: join(folder, 'meshed.ts') })
    const stopped = new SkeinProcess(['media-watch', addresses[0], 'play_other', '--port', '0'])
    running.push(stopped)
    expect(await stopped.exit()).to.include({ code: 1 })
    expect(stopped.stderr).to.contain('refused the player: not-found')

    await viewer.event('player:connected')
    const published = join(folder, 'published-meshed.ts')
    const encoder = new Encoder({ port: publisherPort, streamId: 'live_secret1', seconds: 2, mbitPerSecond: 2, file: published })
    expect(await encoder.exit(), encoder.output).to.equal(0)
    await stopWhenQuiet([player])
    expect((await readFile(player.file)).equals(await readFile(published)), 'played as it was published').to.equal(true)
    viewer.kill('SIGINT')
    expect(await viewer.exit()).to.include({ code: 0 })
    expect(await ingest.event('viewer:closed')).to.include({ droppedPackets: 0 })
  })

  it('tells of a caller that tries again and again once', async () => {
    const process = relay('--ephemeral', '--no-srtla')
    const { playerPort } = await process.event('listening')
    for (let attempt = 0; attempt < 3; attempt++) {
      const error = await connect({ port: playerPort, streamId: 'play_none' }).then(() => undefined, error => error)
      expect(error).to.include({ reason: 'not-found' })
    }
    process.kill('SIGTERM')
    await process.exit()
    expect(process.events.filter(({ event }) => event === 'caller:refused')).to.deep.equal([
      { event: 'caller:refused', role: 'player', reason: 'not-found', address: '127.0.0.1' }
    ])
  })
})
