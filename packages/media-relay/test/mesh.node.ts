import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '@skein/core/system'
import { createPeer } from '@skein/peer'
import { PROTOCOLS } from '@skein/records'
import { connect } from '@skein/srt/node'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'chai'
import { FanoutDriver, StreamTable } from '../src/index.ts'
import { encodeMedia, MediaSource, readMedia } from '../src/libp2p/index.ts'
import { createMediaViewer } from '../src/node/index.ts'
import { until } from './media-programs.ts'
import type { Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Peer } from '@skein/peer'
import type { MediaIngest, MediaSourceInit, WatchChange } from '../src/libp2p/index.ts'
import type { MediaViewer } from '../src/node/index.ts'

const PACKET_BYTES = 1_316

describe('streams of media over the mesh', function () {
  this.timeout(30_000)
  let relay: Peer
  let viewer: Peer
  let target: Multiaddr
  let fanout: FanoutDriver
  let source: MediaSource
  let streams: StreamTable
  const viewers: MediaViewer[] = []

  before(async () => {
    relay = await createPeer({ listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap: [] })
    viewer = await createPeer({ listen: [], bootstrap: [] }) // nobody can dial it
    target = multiaddr(relay.addresses[0] as string)
  })

  after(async () => { await Promise.all([relay, viewer].map(async peer => { await peer?.stop() })) })

  async function start (init: Partial<Omit<MediaSourceInit, 'ingest'>> & { ingest?: Partial<MediaIngest> } = {}, maxQueuePackets = 256): Promise<void> {
    streams = new StreamTable()
    streams.add({ publisher: 'live_a', player: 'play_a', description: '' })
    fanout = new FanoutDriver({ streams, clock: systemClock(), maxQueuePackets })
    const ingest = init.ingest === undefined ? init.ingest : { streams, srtlaPort: 5_000, publisherPort: 4_001, ...init.ingest }
    source = new MediaSource({ libp2p: relay.libp2p, fanout, clock: systemClock(), ...init, ingest })
    await source.start()
  }

  afterEach(async () => {
    await Promise.all(viewers.splice(0).map(async viewer => { await viewer.stop() }))
    await source.stop()
    fanout.stop()
  })

  async function watch (player = 'play_a'): Promise<{ viewer: MediaViewer, changes: WatchChange[] }> {
    const changes: WatchChange[] = []
    const made = await createMediaViewer({ libp2p: viewer.libp2p, target, player, port: 0, onChange: change => { changes.push(change) } })
    viewers.push(made)
    return { viewer: made, changes }
  }

  /** A viewer for which the relay is to take a stream in. */
  async function take (ingest: string): Promise<{ viewer: MediaViewer, changes: WatchChange[] }> {
    const changes: WatchChange[] = []
    const made = await createMediaViewer({
      libp2p: viewer.libp2p, target, player: 'play_mine', ingest, port: 0, onChange: change => { changes.push(change) }
    })
    viewers.push(made)
    return { viewer: made, changes }
  }

  /** A viewer of which the test sees each message. */
  async function ask (player: string): Promise<{ stream: Stream, verdicts: string[], numbers: number[] }> {
    const stream = await viewer.libp2p.dialProtocol(target, PROTOCOLS.media)
    const [verdicts, numbers]: [string[], number[]] = [[], []]
    readMedia(stream, ({ verdict, packet }) => {
      if (packet.length === 0) {
        verdicts.push(verdict)
      } else {
        numbers.push(numberOf(packet))
      }
    })
    stream.send(encodeMedia({ player }))
    return { stream, verdicts, numbers }
  }

  it('reach players of a peer that nobody can dial, whole and in order, over SRT at both ends', async () => {
    await start()
    const { viewer, changes } = await watch()
    await until('the viewer is connected', () => changes.some(({ type }) => type === 'connected'), 10_000)
    const player = await connect({ port: viewer.port, streamId: 'play_a', latencyMs: 200 })
    await until('the player is connected', () => viewer.fanout.fanout.playerCount === 1, 5_000)

    const publication = fanout.addPublisher('live_a', { close: () => {} })
    for (let number = 0; number < 500; number++) {
      fanout.onPacket(publication, packetOf(number))
      if (number % 10 === 9) {
        await pause(5)
      }
    }
    for (let number = 0; number < 500; number++) {
      const packet = await player.read()
      expect([packet?.length, numberOf(packet as Uint8Array)]).to.deep.equal([PACKET_BYTES, number])
    }
    player.abort()
  })

  it('leave out the oldest packets for a viewer that takes too few, and slow no other', async () => {
    await start()
    const [slow, fast] = [await ask('play_a'), await ask('play_a')]
    await until('both are let in', () => slow.verdicts.length + fast.verdicts.length === 2, 5_000)
    slow.stream.pause()
    slow.stream.maxReadBufferLength = 64 * 1024 * 1024

    const publication = fanout.addPublisher('live_a', { close: () => {} })
    const dropped = (): number => Math.max(...fanout.fanout.sessionsOf('live_a').map(({ queue }) => queue.droppedPackets))
    let sent = 0
    while (dropped() < 1_000 && sent < 100_000) {
      fanout.onPacket(publication, packetOf(sent++))
      if (sent % 20 === 0) {
        await pause(1) // what the fast one takes with ease
      }
    }
    await until('the fast one has all', () => fast.numbers.length === sent, 10_000)
    expect(fast.numbers).to.deep.equal(Array.from({ length: sent }, (_, number) => number))

    slow.stream.resume()
    await until('the slow one has the newest', () => slow.numbers.at(-1) === sent - 1, 10_000)
    expect(slow.numbers.length).to.be.lessThan(sent - 999)
    expect(slow.numbers).to.deep.equal(slow.numbers.toSorted((a, b) => a - b))
    expect(slow.numbers.slice(-256)).to.deep.equal(Array.from({ length: 256 }, (_, at) => sent - 256 + at), 'what was in its queue')
  })

  it('end for a viewer that takes nothing for long', async () => {
    await start({ stallTimeoutMs: 300 })
    const { stream, verdicts } = await ask('play_a')
    await until('it is let in', () => verdicts.length === 1, 5_000)
    stream.pause()
    stream.maxReadBufferLength = 64 * 1024 * 1024
    const publication = fanout.addPublisher('live_a', { close: () => {} })
    await until('it is let go', async () => {
      for (let number = 0; number < 100; number++) {
        fanout.onPacket(publication, packetOf(number))
      }
      return source.viewerCount === 0
    }, 10_000)
    expect(fanout.fanout.playerCount).to.equal(0)
  })

  const REFUSALS: Array<[string, string, string]> = [
    ['an id that nobody has made', 'play_z', 'not-found'],
    ['the beginning of an id', 'play_', 'bad-request'],
    ['the id of a publisher', 'live_a', 'bad-mode'],
    ['what is no id', '../etc', 'bad-request']
  ]
  for (const [what, player, verdict] of REFUSALS) {
    it(`refuse a viewer with ${what}`, async () => {
      await start()
      const { stream, verdicts } = await ask(player)
      await until('it is told', () => verdicts.length === 1, 5_000)
      expect(verdicts).to.deep.equal([verdict])
      stream.abort(new Error('done'))
      await until('it is gone', () => source.viewerCount === 0, 10_000)
    })
  }

  it('are not asked for again by a viewer that was refused', async () => {
    await start()
    const { viewer, changes } = await watch('play_z')
    const error = await viewer.ended.then(() => undefined, error => error)
    expect(error).to.include({ name: 'MediaRefusedError', reason: 'not-found' })
    expect(changes).to.deep.equal([])
  })

  it('go to as many viewers as there may be', async () => {
    await start({ maxViewers: 1 })
    const first = await ask('play_a')
    await until('the first one is let in', () => first.verdicts[0] === 'ok', 5_000)
    const second = await ask('play_a')
    await until('the second one is told', () => second.verdicts[0] === 'overload', 5_000)
    first.stream.abort(new Error('gone'))
    await until('there is room again', () => source.viewerCount === 0, 5_000)
    expect(fanout.fanout.playerCount).to.equal(0)
  })

  it('end for a viewer that sends what nobody sends, or asks for nothing in time', async () => {
    await start({ requestTimeoutMs: 300 })
    const twice = await ask('play_a')
    await until('it is let in', () => twice.verdicts.length === 1, 5_000)
    twice.stream.send(encodeMedia({ player: 'play_a' }))
    const garbage = await viewer.libp2p.dialProtocol(target, PROTOCOLS.media)
    garbage.send(new Uint8Array(64).fill(0xff))
    const silent = await viewer.libp2p.dialProtocol(target, PROTOCOLS.media)
    await until('all are gone', () => [twice.stream, garbage, silent].every(({ status }) => status !== 'open') && source.viewerCount === 0, 10_000)
  })

  it('are taken in for a peer that asks for it, as long as it listens', async () => {
    const id = 'live_0123456789abcdef'
    await start({ ingest: { graceMs: 300 } })
    expect(fanout.admitPublisher(id)).to.deep.equal({ type: 'refuse', reason: 'not-found' })
    const { viewer: taken, changes } = await take(id)
    await until('it is told where', () => changes.length > 0, 10_000)
    expect(changes).to.deep.equal([{ type: 'connected', ingest: { srtlaPort: 5_000, publisherPort: 4_001 } }])
    expect([source.ingestCount, source.serves(viewer.id)]).to.deep.equal([1, true])
    expect(fanout.admitPublisher(id).type).to.equal('admit')
    const player = await connect({ port: taken.port, streamId: 'play_mine' })
    await until('the player is connected', () => taken.fanout.fanout.playerCount === 1, 5_000)
    const closed: string[] = []
    const publication = fanout.addPublisher(id, { close: reason => { closed.push(reason) } })
    fanout.onPacket(publication, packetOf(9))
    expect(numberOf(await player.read() as Uint8Array)).to.equal(9)
    player.abort()

    expect((await ask(id)).stream.status, 'its id plays nothing').to.equal('open')
    await taken.stop()
    await until('nothing is taken in any more', () => source.ingestCount === 0, 10_000)
    expect([fanout.admitPublisher(id), closed, streams.size]).to.deep.equal([{ type: 'refuse', reason: 'not-found' }, ['revoked'], 1])
  })

  it('are taken in by no relay that does not offer it, nor under an id that could be guessed', async () => {
    await start()
    const errorOf = async (id: string): Promise<unknown> => await (await take(id)).viewer.ended.then(() => undefined, error => error)
    expect(await errorOf('live_0123456789abcdef')).to.include({ name: 'MediaRefusedError', reason: 'forbidden' })
    await source.stop()
    await start({ ingest: {} })
    expect(await errorOf('live_short')).to.include({ name: 'MediaRefusedError', reason: 'bad-request' })
  })

  it('go on when a relay comes back', async () => {
    await start()
    const { viewer, changes } = await watch()
    await until('the viewer is connected', () => changes.length === 1, 10_000)
    const player = await connect({ port: viewer.port, streamId: 'play_a' })
    await until('the player is connected', () => viewer.fanout.fanout.playerCount === 1, 5_000)
    await source.stop()
    await until('the viewer noticed', () => changes.length >= 2, 10_000)
    await source.start()
    await until('it is connected again', () => changes.at(-1)?.type === 'connected', 15_000)
    fanout.onPacket(fanout.addPublisher('live_a', { close: () => {} }), packetOf(7))
    expect(numberOf(await player.read() as Uint8Array)).to.equal(7)
    player.abort()
  })
})

function packetOf (number: number): Uint8Array {
  const packet = new Uint8Array(PACKET_BYTES)
  new DataView(packet.buffer).setUint32(0, number)
  return packet
}

function numberOf (packet: Uint8Array): number {
  return new DataView(packet.buffer, packet.byteOffset).getUint32(0)
}
