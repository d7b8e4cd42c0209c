import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NatLab, NatLabUnavailableError } from '@skein/testnet/nat-lab'
import { expect } from 'chai'
import { Encoder, needPrograms, Player, stopWhenQuiet } from '../../media-relay/test/media-programs.ts'
import { LabCommand } from './lab-command.ts'

describe('skein media-relay, media-watch, media-ingest and srtla send behind real NATs', function () {
  this.timeout(180_000)
  const commands: LabCommand[] = []
  let lab: NatLab
  let folder: string

  before(async function () {
    needPrograms(this)
    try {
      lab = await NatLab.open()
    } catch (error) {
      if (error instanceof NatLabUnavailableError) {
        console.log(`      left out: ${error.message}`)
        this.skip()
      }
      throw error
    }
    folder = await mkdtemp(join(tmpdir(), 'skein-media-lab-'))
  })

  after(async () => {
    await Promise.all(commands.map(async command => { await command.stop() }))
    await lab?.close()
    if (folder !== undefined) {
      await rm(folder, { recursive: true })
    }
  })

  it('bring a stream from a phone behind a carrier to a player behind a router that maps at random', async () => {
    const [relayHost, phone, home] = [await lab.addHost('media', 'public'), await lab.addHost('phone', 'cgnat'), await lab.addHost('home', 'symmetric-random')]
    const relay = new LabCommand(relayHost, [
      'media-relay', '--ephemeral', '--stream', 'live_phone=play_home', '--mesh', '--listen', `/ip4/${relayHost.address}/tcp/7320`
    ])
    commands.push(relay)
    const { id } = await relay.event('listening')

    const watch = new LabCommand(home, ['media-watch', `/ip4/${relayHost.address}/tcp/7320/p2p/${id}`, 'play_home'])
    commands.push(watch)
    await watch.event('stream:connected')
    const player = new Player({ port: 4_000, streamId: 'play_home', file: join(folder, 'played.ts'), at: home })
    await watch.event('player:connected')

    const links = join(folder, 'links.txt')
    await writeFile(links, `${phone.address}\n`)
    const sender = new LabCommand(phone, ['srtla', 'send', '4010', relayHost.address, '5000', links])
    commands.push(sender)
    await sender.event('listening')
    const published = join(folder, 'published.ts')
    const encoder = new Encoder({ port: 4_010, streamId: 'live_phone', seconds: 4, mbitPerSecond: 2, latencyMs: 2_000, file: published, at: phone })
    expect(await encoder.exit(), encoder.output).to.equal(0)
    await stopWhenQuiet([player])

    const [got, sent] = [await readFile(player.file), await readFile(published)]
    expect([got.length, got.equals(sent)], 'played as it was published').to.deep.equal([sent.length, true])
    const { address } = await relay.event('publisher:connected')
    expect(address, 'the relay\'s own SRTLA receiver').to.equal('127.0.0.1')
  })

  it('bring it there by a super-node, which a peer behind that router has it take in', async () => {
    const superNodeHost = await lab.addHost('volunteer', 'public')
    const [van, studio] = [await lab.addHost('van', 'cgnat'), await lab.addHost('studio', 'symmetric-random')]
    const superNode = new LabCommand(superNodeHost, [
      'supernode', '--media', '--data', join(folder, 'super-node'), '--listen', `/ip4/${superNodeHost.address}/tcp/7312`, '--port-mapping', 'off', '--cpu', 'none'
    ])
    commands.push(superNode)
    const { id } = await superNode.event('listening')
    const ingest = new LabCommand(studio, ['media-ingest', `/ip4/${superNodeHost.address}/tcp/7312/p2p/${id}`])
    commands.push(ingest)
    const { host, srtlaPort, publisher } = await ingest.event('ingest')
    expect([host, srtlaPort]).to.deep.equal([superNodeHost.address, 5_000])
    const { url } = await ingest.event('listening')
    const player = new Player({ port: 4_000, streamId: new URL(url).searchParams.get('streamid') as string, file: join(folder, 'ingested.ts'), at: studio })
    await ingest.event('player:connected')

    const links = join(folder, 'links-of-van.txt')
    await writeFile(links, `${van.address}\n`)
    const sender = new LabCommand(van, ['srtla', 'send', '4010', host, String(srtlaPort), links])
    commands.push(sender)
    await sender.event('link-up')
    const published = join(folder, 'published-by-van.ts')
    const encoder = new Encoder({ port: 4_010, streamId: publisher, seconds: 4, mbitPerSecond: 2, latencyMs: 2_000, file: published, at: van })
    expect(await encoder.exit(), encoder.output).to.equal(0)
    await stopWhenQuiet([player])
    const [got, sent] = [await readFile(player.file), await readFile(published)]
    expect([got.length, got.equals(sent)], 'played as it was published').to.deep.equal([sent.length, true])
  })
})
