/** How far a long command is: a bar that is drawn over itself on a terminal, a line now and then elsewhere, an event a second for a program. */
import { systemClock } from '@skein/core/system'
import type { Clock } from '@skein/core'
import type { Output } from './output.ts'

const BAR_CELLS = 28
const EVENT_INTERVAL_MS = 1_000
/** A log needs no more than one line for each tenth, and none as long as all is quick. */
const LINE_INTERVAL_MS = 5_000
const LINE_SHARE = 0.1
/** Before that, the rest cannot be told from the start. */
const ETA_SHARE = 0.02

export interface Terminal {
  isTTY?: boolean
  columns?: number
  write: (text: string) => unknown
}

export class ProgressLine {
  private readonly output: Output
  private readonly terminal: Terminal
  private readonly clock: Clock
  private readonly startMs: number
  private lastMs: number
  private lastShare = 0
  private drawn = false

  constructor (output: Output, terminal: Terminal = process.stderr, clock: Clock = systemClock()) {
    this.output = output
    this.terminal = terminal
    this.clock = clock
    this.startMs = clock.nowMs()
    this.lastMs = this.startMs
  }

  update (done: number, total: number): void {
    const nowMs = this.clock.nowMs()
    const share = total > 0 ? done / total : 0
    const etaMs = share >= ETA_SHARE && share < 1 ? (nowMs - this.startMs) * (1 - share) / share : undefined
    if (this.output.json) {
      if (nowMs - this.lastMs >= EVENT_INTERVAL_MS) {
        this.lastMs = nowMs
        this.output.event('progress', {
          done: Math.floor(done + 1e-9), total, share: Math.round(share * 1e4) / 1e4, etaMs: etaMs === undefined ? undefined : Math.round(etaMs)
        })
      }
    } else if (this.terminal.isTTY === true) {
      this.draw(share, done, total, etaMs)
    } else if (nowMs - this.lastMs >= LINE_INTERVAL_MS && share - this.lastShare >= LINE_SHARE) {
      this.lastMs = nowMs
      this.lastShare = share
      this.output.event('progress', {}, text(share, done, total, etaMs))
    }
  }

  /** Takes the bar away, so that a line can be printed. */
  clear (): void {
    if (this.drawn) {
      this.terminal.write('\r\u001B[2K')
      this.drawn = false
    }
  }

  private draw (share: number, done: number, total: number, etaMs: number | undefined): void {
    const filled = Math.round(Math.min(1, share) * BAR_CELLS)
    const line = `${'█'.repeat(filled)}${'░'.repeat(BAR_CELLS - filled)} ${text(share, done, total, etaMs)}`
    this.terminal.write(`\r\u001B[2K${line.slice(0, Math.max(10, (this.terminal.columns ?? 80) - 1))}`)
    this.drawn = true
  }
}

function text (share: number, done: number, total: number, etaMs: number | undefined): string {
  return `${Math.floor(share * 100)} %  ${Math.floor(done + 1e-9)} of ${total} runs${etaMs === undefined ? '' : `, ${duration(etaMs)} left`}`
}

/** `45 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration (ms: number): string {
  const seconds = ms < 10_000 ? Math.round(ms / 100) / 10 : Math.round(ms / 1000)
  if (seconds < 60) {
    return `${seconds} s`
  }
  return seconds < 3600
    ? `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
    : `${Math.floor(seconds / 3600)} h ${Math.round(seconds % 3600 / 60)} min`
}
