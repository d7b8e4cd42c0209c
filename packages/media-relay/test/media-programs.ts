/** Real programs of others that publish and play: `ffmpeg`, and `srt-live-transmit` writing what it gets into a file. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, openSync, closeSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { ChildProcess, SpawnOptions } from 'node:child_process'

/** For `before`: leaves the tests out where a program is not installed, but not where everything has to run. */
export function needPrograms (context: Mocha.Context): void {
  const missing = [['ffmpeg', 'ffmpeg'], ['srt-live-transmit', 'srt-tools']].filter(([program]) => !isInPath(program as string))
  if (missing.length === 0) {
    return
  }
  if (process.env.CI === 'true') {
    throw new Error(`Not installed: apt-get install ${missing.map(([, name]) => name).join(' ')}`)
  }
  context.skip()
}

function isInPath (program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some(folder => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Where a program runs: on this machine, or in a host of a laboratory. */
export interface Place {
  spawn: (command: string, args: string[], options: SpawnOptions) => ChildProcess
}

const here: Place = { spawn: (command, args, options) => spawn(command, args, options) }

/** Longer than the latency of a player: what was sent has arrived then. */
const QUIET_MS = 1_500

class Program {
  output = ''
  private readonly child: ChildProcess
  private readonly exited: Promise<[number | null, NodeJS.Signals | null]>
  private hasExited = false

  constructor (command: string, args: string[], { file, at = here }: { file?: string, at?: Place } = {}) {
    const stdout = file === undefined ? 'ignore' : openSync(file, 'w')
    this.child = at.spawn(command, args, { stdio: ['ignore', stdout, 'pipe'] })
    if (typeof stdout === 'number') {
      closeSync(stdout)
    }
    this.child.stderr?.on('data', data => { this.output = (this.output + String(data)).slice(-8_192) })
    this.exited = once(this.child, 'close').then(result => {
      this.hasExited = true
      return result as [number | null, NodeJS.Signals | null]
    })
  }

  kill (signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  get isRunning (): boolean {
    return !this.hasExited
  }

  /** The exit status, once it has ended. */
  async exit (): Promise<number | null> {
    return (await this.exited)[0]
  }

  /** Ends it in an orderly way, or in another when it does not. */
  async stop (): Promise<void> {
    if (this.hasExited) {
      return
    }
    this.kill('SIGCONT')
    this.kill('SIGINT')
    const timer = setTimeout(() => { this.kill('SIGKILL') }, 3_000)
    await this.exited
    clearTimeout(timer)
  }
}

export interface EncoderOptions {
  port: number
  streamId: string
  seconds: number
  /** Writes the same bytes there */
  file?: string
  /** @default 8 */
  mbitPerSecond?: number
  /** @default 500 */
  latencyMs?: number
  /** @default '127.0.0.1' */
  host?: string
  /** @default this machine */
  at?: Place
}

/** Publishes a test picture in real time, as MPEG-TS. */
export class Encoder extends Program {
  constructor ({ port, streamId, seconds, file, mbitPerSecond = 8, latencyMs = 500, host = '127.0.0.1', at }: EncoderOptions) {
    // without lingering, libsrt forgets what it has not sent when it is closed
    const url = `srt://${host}:${port}?streamid=${streamId}&pkt_size=1316&latency=${latencyMs * 1_000}&linger=5`
    const rate = `${mbitPerSecond * 930}k` // and the container's own bytes
    super('ffmpeg', [
      '-hide_banner', '-loglevel', 'error', '-nostdin', '-y', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=25', '-t', String(seconds),
      '-c:v', 'mpeg2video', '-b:v', rate, '-minrate', rate, '-maxrate', rate, '-bufsize', '1M', '-muxrate', `${mbitPerSecond}M`,
      '-map', '0:v', '-f', 'tee', [...file === undefined ? [] : [`[f=mpegts]${file}`], `[f=mpegts]${url}`].join('|')
    ], { at })
  }
}

export interface PlayerOptions {
  port: number
  streamId: string
  file: string
  /** @default 1_000 */
  latencyMs?: number
  /** @default this machine */
  at?: Place
}

/** Plays a stream into a file. */
export class Player extends Program {
  readonly file: string

  constructor ({ port, streamId, file, latencyMs = 1_000, at }: PlayerOptions) {
    const url = `srt://127.0.0.1:${port}?streamid=${streamId}&latency=${latencyMs}`
    super('srt-live-transmit', ['-q', '-loglevel:error', url, 'file://con'], { file, at })
    this.file = file
  }

  async size (): Promise<number> {
    return (await stat(this.file)).size
  }
}

/** Stops players once they get nothing more. What a player still has in its own buffers then, it writes as it ends. */
export async function stopWhenQuiet (players: Player[]): Promise<void> {
  const sizes = async (): Promise<string> => (await Promise.all(players.map(async player => await player.size()))).join()
  for (let before = '', now = await sizes(); now !== before;) {
    before = now
    await pause(QUIET_MS)
    now = await sizes()
  }
  await Promise.all(players.map(async player => { await player.stop() }))
}

/** Waits until a condition holds. @throws when it does not within `withinMs` */
export async function until (what: string, holds: () => boolean | Promise<boolean>, withinMs: number): Promise<void> {
  const endMs = Date.now() + withinMs
  while (!await holds()) {
    if (Date.now() > endMs) {
      throw new Error(`Not within ${withinMs} ms: ${what}`)
    }
    await pause(20)
  }
}
