import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { ReceiverService, SenderService } from '../src/node/index.ts'
import { LINK_ADDRESSES, until } from './bonded-stream.ts'
import { ImpairingProxy } from './impairing-proxy.ts'
import { UNEQUAL_LINKS } from './link-model.ts'
import { freeUdpPort, hasProgram } from './srt-live-transmit.ts'
import type { LinkModelInit } from './link-model.ts'

const run = promisify(execFile)
const LATENCY_US = 1_500_000
const SECONDS = 8
/** ffmpeg closes its connection when it has sent the last packet, and what has not come out by then is lost: the latency, and some more. */
const TAIL_SECONDS = 3
const FRAMES_PER_SECOND = 25

/** The checksums of all pictures in a file of ffmpeg's `framemd5`. */
async function pictures (path: string): Promise<string[]> {
  return (await readFile(path, 'utf8')).split('\n').filter(line => line !== '' && !line.startsWith('#')).map(line => line.split(',').at(-1)?.trim() ?? '')
}

describe('A picture of ffmpeg over three links', function () {
  this.timeout(90_000)

  before(function () {
    if (!hasProgram('ffmpeg')) {
      this.skip()
    }
  })

  it('is whole though one link is cut', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'skein-srtla-'))
    const [file, sentSums, gotSums] = ['stream.ts', 'sent.md5', 'got.md5'].map(name => join(folder, name)) as [string, string, string]
    const source = ['-f', 'lavfi', '-i', `testsrc2=size=640x360:rate=${FRAMES_PER_SECOND}:duration=${SECONDS}`]
    await run('ffmpeg', ['-v', 'error', ...source, '-c:v', 'mpeg2video', '-b:v', '3M', '-f', 'mpegts', file])
    await run('ffmpeg', ['-v', 'error', '-i', file, '-map', '0:v', '-f', 'framemd5', sentSums])

    const srtPort = await freeUdpPort()
    const receiver = await ReceiverService.start({ port: 0, hosts: ['127.0.0.1'], srt: { host: '127.0.0.1', port: srtPort } })
    const links = Object.fromEntries(LINK_ADDRESSES.map((address, i) => [address, UNEQUAL_LINKS[i] as LinkModelInit]))
    const proxy = await ImpairingProxy.start({ seed: 3, target: { host: '127.0.0.1', port: receiver.port }, links })
    const sender = await SenderService.start({ port: 0, host: '127.0.0.1', receiver: { host: '127.0.0.1', port: proxy.port }, links: LINK_ADDRESSES })
    const listening = `srt://127.0.0.1:${srtPort}?mode=listener&latency=${LATENCY_US}`
    const player = spawn('ffmpeg', ['-v', 'error', '-i', listening, '-map', '0:v', '-f', 'framemd5', gotSums], { stdio: 'ignore' })
    const ended = once(player, 'close')
    try {
      await until(() => sender.sender.links.every(({ state }) => state === 'up'), 'all links are up')
      const calling = `srt://127.0.0.1:${sender.port}?mode=caller&pkt_size=1316&latency=${LATENCY_US}&streamid=live_picture`
      const sending = run('ffmpeg', ['-v', 'error', '-re', '-i', file, '-c', 'copy', '-f', 'mpegts', calling])
      await until(() => [...receiver.receiver.groups].some(({ totalPackets }) => totalPackets > 600), 'the stream runs')
      proxy.cutLink(LINK_ADDRESSES[0] as string)
      await sending
      const giveUp = setTimeout(() => { player.kill('SIGINT') }, 10_000)
      await ended
      clearTimeout(giveUp)
      const [sent, got] = await Promise.all([pictures(sentSums), pictures(gotSums)])
      expect(sent.length).to.be.at.least(SECONDS * FRAMES_PER_SECOND - 2)
      const count = (SECONDS - TAIL_SECONDS) * FRAMES_PER_SECOND
      expect(got.slice(0, count)).to.deep.equal(sent.slice(0, count))
      expect([...receiver.receiver.groups].map(({ streamId }) => streamId)).to.deep.equal(['live_picture'])
    } finally {
      player.kill('SIGKILL')
      await sender.stop()
      await proxy.stop()
      await receiver.stop()
      await rm(folder, { recursive: true })
    }
  })
})
