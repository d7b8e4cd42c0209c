/** Programs of others that speak SRT, run beside ours: libsrt's `srt-live-transmit` and `srt-file-transmit`, and `ffmpeg`. */
import { spawn, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { ChildProcessByStdio } from 'node:child_process'
import type { Readable } from 'node:stream'

const STOP_MS = 5_000

export function isInstalled (program: string): boolean {
  return spawnSync(program, ['-version']).error === undefined
}

/** A UDP port that nobody has at the moment. */
export async function freePort (): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}

export class ForeignProgram {
  /** What it wrote to its standard output */
  readonly output: AsyncIterable<Uint8Array>
  readonly exited: Promise<number | null>
  log = ''
  private readonly child: ChildProcessByStdio<null, Readable, Readable>

  constructor (program: string, args: string[]) {
    this.child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.exited = once(this.child, 'exit').then(([code]) => code as number | null)
    this.child.stderr.on('data', (text: Buffer) => { this.log = (this.log + text.toString()).slice(-4_000) })
    this.output = this.child.stdout
  }

  /** Interrupts it as a user would, or harder when that does not help. */
  async stop (): Promise<void> {
    this.child.kill('SIGINT')
    const timer = setTimeout(() => { this.child.kill('SIGKILL') }, STOP_MS)
    await this.exited
    clearTimeout(timer)
  }
}
