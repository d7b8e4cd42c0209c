/** Debian's `srt-live-transmit` as a process, with its statistics. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createSocket } from 'node:dgram'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { accessSync, constants } from 'node:fs'
import type { ChildProcess } from 'node:child_process'

export class SrtLiveTransmit {
  output = ''
  private readonly child: ChildProcess
  private readonly folder: string
  private readonly exited: Promise<unknown>

  constructor (from: string, to: string, options: string[] = []) {
    this.folder = mkdtempSync(join(tmpdir(), 'skein-srt-'))
    const stats = ['-s:20', '-f', '-pf:json', `-statsout:${join(this.folder, 'stats.json')}`]
    this.child = spawn('srt-live-transmit', ['-chunk:1316', ...stats, ...options, from, to], { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', data => { this.output = (this.output + String(data)).slice(-16_384) })
    }
    this.exited = once(this.child, 'close')
  }

  /** The last statistics that it wrote; totals since its start. */
  stats (): any {
    const lines = readFileSync(join(this.folder, 'stats.json'), 'utf8').split('\n').map(line => line.replace(/,\s*$/, '')).filter(line => line.startsWith('{'))
    for (const line of lines.reverse()) {
      try {
        return JSON.parse(line)
      } catch {} // half written
    }
    return undefined
  }

  async stop (): Promise<void> {
    this.child.kill('SIGTERM')
    const timer = setTimeout(() => { this.child.kill('SIGKILL') }, 2_000)
    await this.exited
    clearTimeout(timer)
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export function hasProgram (name: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some(folder => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** A UDP port of 127.0.0.1 that nobody has now. */
export async function freeUdpPort (): Promise<number> {
  const socket = createSocket('udp4')
  await new Promise<void>(resolve => { socket.bind(0, '127.0.0.1', resolve) })
  const { port } = socket.address()
  await new Promise<void>(resolve => { socket.close(resolve) })
  return port
}
