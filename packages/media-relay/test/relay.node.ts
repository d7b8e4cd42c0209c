import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { connect } from '@skein/srt/node'
import { expect } from 'chai'
import { createMediaRelay } from '../src/node/index.ts'
import { Encoder, needPrograms, Player, stopWhenQuiet, until } from './media-programs.ts'
import type { MediaRelay, MediaRelayEvents, MediaRelayInit } from '../src/node/index.ts'

const FREE_PORTS = { host: '127.0.0.1', publisherPort: 0, playerPort: 0, srtlaPort: 0, apiPort: 0, statsPort: 0, linkStatsPort: 0 }
const STALE_MS = 1_500
const SECONDS = 8
/** More than SRT's send buffer and a queue hold together. */
const PACKETS = 10_000

describe('a media relay with programs of others', function () {
  this.timeout(60_000)
  let folder: string
  let relay: MediaRelay
  let running: Array<{ stop: () => Promise<void> }>

  before(function () { needPrograms(this) })

  async function start (init: MediaRelayInit = {}): Promise<void> {
    relay = await createMediaRelay({ ...FREE_PORTS, srtlaPort: false, fanout: { staleAfterMs: STALE_MS }, ...init })
    await relay.book.addStream({ publisher: 'live_a', player: 'play_a', description: '' })
    await relay.book.addStream({ publisher: 'live_a', player: 'play_b', description: '' })
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-media-'))
    running = []
  })

  afterEach(async () => {
    await Promise.all(running.map(async program => { await program.stop() }))
    await relay.stop()
    await rm(folder, { recursive: true })
  })

  function encoder (options: { seconds: number, file?: string, mbitPerSecond?: number }): Encoder {
    const program = new Encoder({ port: relay.publisherPort, streamId: 'live_a', ...options })
    running.push(program)
    return program
  }

  function player (name: string, streamId = 'play_a'): Player {
    const program = new Player({ port: relay.playerPort, streamId, file: join(folder, `${name}.ts`) })
    running.push(program)
    return program
  }

  const playerCount = (): number => relay.fanout.fanout.playerCount
  const figures = async (query = ''): Promise<any> => await (await fetch(`${relay.statsUrl}/stats/play_a${query}`)).json()

  it('hands one stream of 8 Mbit/s to ten players byte for byte, though an eleventh is stopped in the middle', async () => {
    await start()
    const closed = eventsOf(relay, 'player:closed')
    const players = Array.from({ length: 10 }, (_, number) => player(`player-${number}`, number % 2 === 0 ? 'play_a' : 'play_b'))
    const slow = player('slow')
    await until('eleven players are connected', () => playerCount() === 11, 10_000)
    const published = join(folder, 'published.ts')
    const source = encoder({ seconds: SECONDS, file: published })

    await until('three seconds are published', async () => (await sizeOf(published)) > 3_000_000, 15_000)
    slow.kill('SIGSTOP')
    const [legacy, newer] = [await figures('?legacy=1'), await figures()]
    expect(await source.exit(), source.output).to.equal(0)
    const bytes = await readFile(published)
    expect(bytes.length * 8 / SECONDS).to.be.greaterThan(7_500_000)
    await stopWhenQuiet(players)

    for (const { file } of players) {
      const got = await readFile(file)
      expect([got.length, sha256(got)], file).to.deep.equal([bytes.length, sha256(bytes)])
    }
    expect((await readFile(slow.file)).length).to.be.lessThan(bytes.length)
    expect(closed.find(({ reason }) => reason === 'lost'), 'what became of the one that was stopped').to.include({ player: 'play_a' })

    expect(legacy.publishers.live).to.have.all.keys('bitrate', 'bytesRcvDrop', 'bytesRcvLoss', 'latency', 'mbpsBandwidth', 'mbpsRecvRate', 'msRcvBuf',
      'pktRcvDrop', 'pktRcvLoss', 'rtt', 'uptime')
    expect(legacy.publishers.live).to.include({ latency: 500, pktRcvDrop: 0, bytesRcvDrop: 0 })
    expect(legacy.publishers.live.bitrate).to.be.within(6_000, 10_000)
    expect(legacy.publishers.live.mbpsRecvRate).to.be.within(5, 11)
    expect(legacy.publishers.live.mbpsBandwidth).to.be.greaterThan(8)
    expect(legacy.publishers.live.rtt).to.be.within(0.001, 500)
    expect(newer.publisher).to.have.all.keys('bitrate', 'buffer', 'dropped_pkts', 'latency', 'rtt', 'uptime')
    expect(newer.publisher.uptime).to.be.within(2, 20).and.satisfy(Number.isInteger)
  })

  it('lets a second publisher take over from one that has gone silent, and keeps it out before', async () => {
    await start()
    const [closed, stale] = [eventsOf(relay, 'publisher:closed'), eventsOf(relay, 'publisher:stale')]
    const watching = player('player')
    const first = encoder({ seconds: 30, mbitPerSecond: 1 })
    await until('the first one is live', () => (relay.fanout.fanout.publicationOf('live_a')?.packets ?? 0) > 50, 10_000)

    const early = encoder({ seconds: 30, mbitPerSecond: 1 })
    expect(await early.exit(), 'status of one that was refused').not.to.equal(0)
    expect(relay.fanout.fanout.publicationOf('live_a')?.isStale).to.equal(false)
    expect((await figures()).publisher.bitrate).to.be.greaterThan(500)

    first.kill('SIGSTOP')
    await until('the first one is stale', () => stale.length === 1, 10_000)
    const before = await watching.size()
    const second = encoder({ seconds: 2, mbitPerSecond: 1 })
    await until('the first one is closed', () => closed.length === 1, 10_000)
    expect(closed).to.deep.equal([{ publisher: 'live_a', reason: 'taken-over' }])
    expect(await second.exit(), second.output).to.equal(0)
    await until('the player gets the second one', async () => await watching.size() > before + 100_000, 10_000)
    first.kill('SIGCONT')
    expect(await first.exit(), 'status of one that was taken over').not.to.equal(0)
    expect(watching.isRunning).to.equal(true)
  })

  it('refuses programs without a stream id, and with a wrong one', async () => {
    await start()
    const refused = eventsOf(relay, 'caller:refused')
    for (const [port, streamId] of [[relay.publisherPort, ''], [relay.publisherPort, 'live_z'], [relay.publisherPort, 'play_a']] as const) {
      const program = new Encoder({ port, streamId, seconds: 5, mbitPerSecond: 1 })
      running.push(program)
      expect(await program.exit(), streamId).not.to.equal(0)
    }
    running.push(new Player({ port: relay.playerPort, streamId: 'play_z', file: join(folder, 'wrong.ts') }))
    await until('the player is refused', () => refused.some(({ role }) => role === 'player'), 5_000)

    expect(refused.filter(({ role }) => role === 'publisher').map(({ reason }) => reason)).to.deep.equal(['bad-request', 'not-found', 'bad-mode'])
    expect([playerCount(), relay.fanout.fanout.publisherCount]).to.deep.equal([0, 0])
    expect(await figures()).to.deep.equal({ message: 'Stream is offline', status: 'ok' })
  })

  const REFUSALS: Array<[string, 'publisherPort' | 'playerPort', string, string]> = [
    ['a publisher without an id', 'publisherPort', '', 'bad-request'],
    ['a publisher that nobody knows', 'publisherPort', 'live_z', 'not-found'],
    ['a publisher with the id of a player', 'publisherPort', 'play_a', 'bad-mode'],
    ['a player without an id', 'playerPort', '', 'bad-request'],
    ['a player that nobody knows', 'playerPort', 'play_z', 'not-found'],
    ['a player with the id of a publisher', 'playerPort', 'live_a', 'bad-mode']
  ]
  it('says why in the handshake', async () => {
    await start()
    for (const [who, port, streamId, reason] of REFUSALS) {
      const error = await connect({ port: relay[port], streamId }).then(() => undefined, error => error)
      expect(error, who).to.include({ name: 'SrtRejectedError', reason })
    }
  })

  it('ends the connections of a stream id when it is taken back', async () => {
    await start()
    const [publisher, player] = await Promise.all([
      connect({ port: relay.publisherPort, streamId: 'live_a' }), connect({ port: relay.playerPort, streamId: 'play_a' })
    ])
    await until('both are there', () => playerCount() === 1 && relay.fanout.fanout.publisherCount === 1, 5_000)
    await relay.book.removeStream('play_a')
    await player.closed
    expect(publisher.isOpen, 'play_b is still there').to.equal(true)
    await relay.book.removeStream('play_b')
    await publisher.closed
  })

  it('drops the oldest packets of a player that is there and takes none, and holds no more than it may', async () => {
    await start({ fanout: { maxQueuePackets: 500 } })
    const closed = eventsOf(relay, 'player:closed')
    // room for 32 packets, each of which is due in a minute: SRT itself gives up none of them before
    const slow = await connect({ port: relay.playerPort, streamId: 'play_a', receiveBufferPackets: 32, latencyMs: 60_000 })
    const fast = await connect({ port: relay.playerPort, streamId: 'play_b', latencyMs: 1_000 })
    running.push(...[slow, fast].map(socket => ({ stop: async () => { socket.abort() } })))
    await until('both are there', () => playerCount() === 2, 5_000)
    const publication = relay.fanout.addPublisher('live_a', { close: () => {} })
    const received = (async (): Promise<number[]> => {
      const numbers: number[] = []
      while (numbers.length < PACKETS) {
        const { buffer, byteOffset } = await fast.read() as Uint8Array
        numbers.push(new DataView(buffer, byteOffset).getUint32(0))
      }
      return numbers
    })()
    for (let number = 0; number < PACKETS; number++) {
      const packet = new Uint8Array(1_316)
      new DataView(packet.buffer).setUint32(0, number)
      relay.fanout.onPacket(publication, packet)
      if (number % 10 === 9) {
        await pause(1)
      }
    }
    const [session] = relay.fanout.fanout.sessionsOf('live_a').filter(({ player }) => player === 'play_a')

    expect(session?.queue.length).to.equal(500)
    expect(session?.sentPackets, 'what is in the send buffer of SRT, and one that waits for it').to.be.within(8_192, 8_400)
    expect(session?.queue.droppedPackets).to.equal(PACKETS - 500 - (session?.sentPackets ?? 0))
    expect(await received).to.deep.equal(Array.from({ length: PACKETS }, (_, number) => number))
    slow.abort()
    fast.abort()
    await until('both are gone', () => closed.length === 2, 5_000)
    expect(closed.map(({ player, droppedPackets }) => [player, droppedPackets > 0])).to.have.deep.members([['play_a', true], ['play_b', false]])
  })

  it('takes only who has the passphrase, and hands on what was encrypted', async () => {
    await start({ passphrase: 'correct horse battery' })
    const wrong = await connect({ port: relay.playerPort, streamId: 'play_a', passphrase: 'wrong horse battery' }).then(() => undefined, error => error)
    expect(wrong).to.include({ name: 'SrtRejectedError', reason: 'bad-secret' })

    const options = { passphrase: 'correct horse battery', latencyMs: 20 }
    const player = await connect({ ...options, port: relay.playerPort, streamId: 'play_a' })
    const publisher = await connect({ ...options, port: relay.publisherPort, streamId: 'live_a', payloadBytes: 1_456 })
    await until('the player is there', () => playerCount() === 1, 5_000)
    const sent = Array.from({ length: 50 }, (_, number) => new Uint8Array(1_456).fill(number))
    for (const packet of sent) {
      await publisher.write(packet)
    }
    for (const packet of sent) {
      expect(await player.read()).to.deep.equal(Buffer.from(packet))
    }
    player.abort()
    publisher.abort()
  })
})

function eventsOf<K extends keyof MediaRelayEvents> (relay: MediaRelay, name: K): Array<MediaRelayEvents[K]['detail']> {
  const details: Array<MediaRelayEvents[K]['detail']> = []
  relay.addEventListener(name, event => { details.push((event as MediaRelayEvents[K]).detail) })
  return details
}

async function sizeOf (file: string): Promise<number> {
  return await readFile(file).then(({ length }) => length, () => 0)
}

function sha256 (bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
