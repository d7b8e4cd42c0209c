/**
 * A phone with three links streams to a super-node, and a player behind a router watches: ffmpeg → SRT → SRTLA over three links → super-node →
 * mesh → peer that nobody can dial → SRT → ffmpeg. One link is cut in the middle, and the picture stays whole.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { multiaddr } from '@multiformats/multiaddr'
import { createMediaViewer } from '@skein/media-relay/node'
import { createPeer } from '@skein/peer'
import { createSuperNode } from '@skein/seed'
import { SenderService } from '@skein/srtla/node'
import { openLinks } from './links.ts'
import type { MediaRelay } from '@skein/media-relay/node'

const SECONDS = 8
/** None carries the stream of 2.9 Mbit/s alone, and two do. */
const LINKS = {
  '127.0.0.2': { bitsPerSecond: 2.2e6, delayMs: 15 },
  '127.0.0.3': { bitsPerSecond: 2e6, delayMs: 30 },
  '127.0.0.4': { bitsPerSecond: 1.8e6, delayMs: 60 }
}
const CUT = '127.0.0.3'

if (process.platform !== 'linux' || spawnSync('ffmpeg', ['-version']).status !== 0) {
  console.log('skipped: this needs Linux, for addresses of loopback that stand for links, and ffmpeg (apt-get install ffmpeg)')
  process.exit(0)
}
const folder = await mkdtemp(join(tmpdir(), 'skein-bonded-'))

// the super-node: takes streams in, and serves them to peers of the mesh
const superNode = await createSuperNode({
  listen: ['/ip4/127.0.0.1/tcp/0'],
  bootstrap: [],
  quota: { bytesPerDay: 10e9, bytesPerMonth: 200e9, bytesPerSecond: 20e6, cpuShare: 1, timeZone: 'UTC' },
  media: { host: '127.0.0.1', publisherPort: 0, playerPort: 0, srtlaPort: 0, apiPort: 0, statsPort: 0, linkStatsPort: 0 }
})
const relay = superNode.media as MediaRelay

// the viewer: it listens nowhere, has the super-node take the phone's stream in, and hands it to a player of its own machine
const viewerPeer = await createPeer({ listen: [], bootstrap: [] })
const target = multiaddr(superNode.addresses[0] as string)
const publisher = 'live_4f2a91c07b3e5d68' // random, in earnest: whoever knows it may publish
const viewer = await createMediaViewer({ libp2p: viewerPeer.libp2p, target, player: 'play_here', ingest: publisher, port: 0 })
const played = join(folder, 'played.ts')
const player = spawn('ffmpeg', [
  '-loglevel', 'fatal', '-nostdin', '-i', `srt://127.0.0.1:${viewer.port}?streamid=play_here&latency=1500000`, '-c', 'copy', played
], { stdio: 'inherit' })
await until('a player is there', () => viewer.fanout.fanout.playerCount === 1)

// the phone
const links = await openLinks(LINKS, relay.srtlaPort as number)
const sender = await SenderService.start({
  port: 0, host: '127.0.0.1', receiver: { host: '127.0.0.1', port: links.port }, links: Object.keys(LINKS)
})
const published = join(folder, 'published.ts')
const url = `srt://127.0.0.1:${sender.port}?streamid=${publisher}&pkt_size=1316&latency=2000000&linger=5`
const encoder = spawn('ffmpeg', [
  '-loglevel', 'error', '-nostdin', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=25', '-t', String(SECONDS), '-c:v', 'mpeg2video',
  '-b:v', '2.7M', '-minrate', '2.7M', '-maxrate', '2.7M', '-bufsize', '500k', '-map', '0:v', '-f', 'tee', `[f=mpegts]${published}|[f=mpegts]${url}`
], { stdio: 'inherit' })
setTimeout(() => {
  links.cut(CUT)
  console.log(`the link ${CUT} is cut`)
}, SECONDS * 400)
const watching = setInterval(() => { void showLinks() }, 1_000)
const [status] = await once(encoder, 'exit') as [number]
clearInterval(watching)
check('ffmpeg could publish', status === 0)

await until('nothing is under way', () => relay.fanout.fanout.publisherCount === 0)
await new Promise(resolve => setTimeout(resolve, 3_000)) // the latency of the player
const ended = once(player, 'exit')
await viewer.stop() // the player sees the end of its stream
await ended
const [sent, got] = [frames(published), frames(played)]
console.log(`${sent.length} frames were published, ${got.length} played`)
check('the picture is whole', sent.length === SECONDS * 25 && sent.join() === got.join())

await sender.stop()
links.stop()
await viewerPeer.stop()
await superNode.stop()
await rm(folder, { recursive: true })

/** What the super-node tells of each link. */
async function showLinks (): Promise<void> {
  const { groups } = await (await fetch(`${relay.linkStatsUrl}/stats`)).json() as {
    groups: Array<{ connections: Array<{ bytes: number, share_pct: number, last_ms_ago: number }> }>
  }
  console.log(groups.flatMap(({ connections }) => connections).map(({ bytes, share_pct: share, last_ms_ago: lastMs }) =>
    `${(bytes / 1e6).toFixed(1)} MB ${share} %${lastMs > 2_000 ? ' (silent)' : ''}`).join('   '))
}

/** A checksum for each decoded frame. */
function frames (file: string): string[] {
  const { stdout } = spawnSync('ffmpeg', ['-loglevel', 'error', '-i', file, '-map', '0:v', '-f', 'framemd5', '-'], { encoding: 'utf8' })
  return stdout.split('\n').filter(line => line !== '' && !line.startsWith('#')).map(line => line.split(',').at(-1)?.trim() ?? '')
}

async function until (what: string, condition: () => boolean): Promise<void> {
  for (const endMs = Date.now() + 30_000; !condition();) {
    if (Date.now() > endMs) {
      console.error(`In 30 s it did not come about that ${what}`)
      process.exit(1)
    }
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

function check (what: string, isSo: boolean): void {
  if (!isSo) {
    console.error(`It is not so that ${what}`)
    process.exit(1)
  }
}
