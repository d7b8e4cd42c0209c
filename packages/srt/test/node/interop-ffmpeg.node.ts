import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { concatBytes } from '@skein/core'
import { connect, SrtListener } from '@skein/srt/node'
import { expect } from 'chai'
import type { ConnectionOptions, KeyBytes } from '@skein/srt'
import type { SrtSocket } from '@skein/srt/node'
import { ForeignProgram, freePort, isInstalled } from './foreign-program.ts'

const PROGRAM = 'ffmpeg'
const PASSPHRASE = 'hunter2hunter2'
const SECONDS = 4
const FRAMES = SECONDS * 25
const TAIL_FRAMES = 2
const TS_BYTES = 188
const PAYLOAD_BYTES = 7 * TS_BYTES
const SOURCE = ['-f', 'lavfi', '-i', `testsrc=size=640x360:rate=25:duration=${SECONDS}`, '-c:v', 'mpeg2video', '-b:v', '2M', '-f', 'mpegts']

interface Run {
  ours: 'caller' | 'listener'
  /** Bytes of the key, which the caller chooses @default not encrypted */
  keyBytes?: KeyBytes
}

/** Both roles, plain and under each length of key. */
const RUNS: Run[] = (['listener', 'caller'] as const).flatMap(ours => [undefined, 16, 24, 32].map(keyBytes => ({ ours, keyBytes } as Run)))

interface Meeting {
  socket: SrtSocket
  program: ForeignProgram
  end: () => Promise<void>
}

/** A checksum of each picture. */
function frames (file: string): string[] {
  const { stdout } = spawnSync(PROGRAM, ['-v', 'error', '-i', file, '-f', 'framemd5', '-'], { encoding: 'utf8' })
  return stdout.split('\n').filter(line => line !== '' && !line.startsWith('#')).map(line => line.split(',').at(-1)!.trim())
}

async function collect (socket: SrtSocket): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const payload of socket) {
    parts.push(payload)
  }
  return concatBytes(...parts)
}

async function meet ({ ours, keyBytes }: Run, run: (url: string) => ForeignProgram): Promise<Meeting> {
  const options: ConnectionOptions = { latencyMs: 300, peerLatencyMs: 300, passphrase: keyBytes === undefined ? undefined : PASSPHRASE }
  const listener = ours === 'listener' ? await SrtListener.listen({ host: '127.0.0.1', ...options }) : undefined
  const port = listener?.address.port ?? await freePort()
  // ffmpeg has latencies in microseconds
  const key = keyBytes === undefined ? '' : `&passphrase=${PASSPHRASE}${ours === 'listener' ? `&pbkeylen=${keyBytes}` : ''}`
  const query = `mode=${ours === 'listener' ? 'caller' : 'listener'}&latency=300000&linger=5${key}`
  const program = run(`srt://127.0.0.1:${port}?${query}`)
  const socket = await (listener?.accept({ signal: AbortSignal.timeout(15_000) }) ?? connect({ port, connectTimeoutMs: 15_000, ...options, keyBytes }))
  return {
    socket,
    program,
    end: async () => {
      await program.stop()
      socket.abort()
      await listener?.close()
    }
  }
}

describe('live mode with ffmpeg', function () {
  this.timeout(60_000)
  let folder = ''
  let original: string[] = []

  before(function () {
    if (!isInstalled(PROGRAM)) {
      this.skip()
    }
    folder = mkdtempSync(join(tmpdir(), 'skein-srt-'))
    spawnSync(PROGRAM, ['-v', 'error', ...SOURCE, join(folder, 'original.ts')])
    original = frames(join(folder, 'original.ts'))
    expect(original.length).equal(FRAMES)
  })

  after(() => { rmSync(folder, { recursive: true, force: true }) })

  for (const run of RUNS) {
    const name = `ours is the ${run.ours}, ${run.keyBytes === undefined ? 'plain' : `AES-${8 * run.keyBytes}`}`

    it(`takes each picture of ffmpeg, ${name}`, async () => {
      const { socket, program, end } = await meet(run, url => new ForeignProgram(PROGRAM, ['-v', 'error', '-re', ...SOURCE, url]))
      try {
        const collected = collect(socket)
        await program.exited
        const received = await collected
        expect(received.length % TS_BYTES).equal(0)
        const file = join(folder, `${run.ours}-${run.keyBytes}-in.ts`)
        writeFileSync(file, received)
        // ffmpeg ends without waiting until its last packets are sent
        expect(frames(file).slice(0, -TAIL_FRAMES)).deep.equal(original.slice(0, -TAIL_FRAMES))
        expect(socket.statistics().pktRcvDropTotal).equal(0)
      } finally {
        await end()
      }
    })

    it(`gives each picture to ffmpeg, ${name}`, async () => {
      const file = join(folder, `${run.ours}-${run.keyBytes}-out.ts`)
      const { socket, program, end } = await meet(run, url => new ForeignProgram(PROGRAM, ['-v', 'error', '-i', url, '-c', 'copy', '-f', 'mpegts', '-y', file]))
      try {
        const bytes = readFileSync(join(folder, 'original.ts'))
        await new Promise(resolve => setTimeout(resolve, 500))
        for (let at = 0; at < bytes.length; at += PAYLOAD_BYTES) {
          await socket.write(bytes.subarray(at, at + PAYLOAD_BYTES))
          await new Promise(resolve => setTimeout(resolve, 3))
        }
        await new Promise(resolve => setTimeout(resolve, 1_000))
        await socket.close()
        await program.exited
        expect(frames(file)).deep.equal(original)
      } finally {
        await end()
      }
    })
  }
})
