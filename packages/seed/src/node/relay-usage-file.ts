/** What the relay has carried this month, in a file of the data folder, so that a restart does not begin the month's quota anew. */
import { join } from 'node:path'
import { crc32 } from '@skein/core'
import { DurableText } from './durable-text.ts'
import { monthOf, monthShare } from '../relay/usage-period.ts'
import type { Cancel, Clock } from '@skein/core'
import type { MonthUsage } from '../relay/usage-period.ts'

export const RELAY_USAGE_FILE = 'relay-usage.json'
/** How often a count that has changed is written: what a crash forgets at most. */
const SAVE_INTERVAL_MS = 10_000
const MAX_FILE_BYTES = 1_024

/** The file of the month's count is damaged; it was put aside, and the count goes on from an assumption. */
export class RelayUsageDamagedError extends Error {
  static override name = 'RelayUsageDamagedError'
  override readonly name = 'RelayUsageDamagedError'
  readonly path: string
  readonly movedTo: string
  /** As if the month so far had been used evenly */
  readonly assumedBytes: number

  constructor (path: string, movedTo: string, assumedBytes: number, options: ErrorOptions = {}) {
    super(`The relay's count of this month (${path}) was damaged and moved to ${movedTo}. ${Math.round(assumedBytes / 1e9)} GB are taken as used, ` +
      'an even share of the quota; stop the seed, delete the file and start it again to begin at 0', options)
    this.path = path
    this.movedTo = movedTo
    this.assumedBytes = assumedBytes
  }
}

export interface RelayUsageFileInit {
  folder: string
  clock: Clock
  /** The month's quota, bytes */
  monthBytes: number
  onDamage: (error: RelayUsageDamagedError) => void
  /** The file cannot be written; counting goes on in memory. Told once until it can again */
  onProblem: (error: Error) => void
}

export class RelayUsageFile {
  private readonly init: RelayUsageFileInit
  private readonly file: DurableText
  private ended = false
  private cancel: Cancel = () => {}

  constructor (init: RelayUsageFileInit) {
    this.init = init
    this.file = new DurableText(join(init.folder, RELAY_USAGE_FILE), init.onProblem)
  }

  /** What was counted before; `undefined` when nothing was. */
  async load (): Promise<MonthUsage | undefined> {
    const text = await this.file.read()
    if (text === undefined) {
      return undefined
    }
    const usage = parseUsage(text)
    if (usage !== undefined) {
      return usage
    }
    const nowMs = this.init.clock.nowMs()
    const assumed = { month: monthOf(nowMs), bytes: Math.round(this.init.monthBytes * monthShare(nowMs)) }
    const movedTo = await this.file.putAside()
    this.init.onDamage(new RelayUsageDamagedError(this.file.path, movedTo, assumed.bytes))
    return assumed
  }

  /** Writes what `usage` says, now and then, when it has changed. */
  follow (usage: () => MonthUsage): void {
    const { clock } = this.init
    this.cancel = clock.schedule(clock.nowMs() + SAVE_INTERVAL_MS, () => {
      void this.save(usage()).finally(() => {
        if (!this.ended) {
          this.follow(usage)
        }
      })
    })
  }

  /** The last word, when no more is carried. */
  async end (usage: MonthUsage): Promise<void> {
    this.ended = true
    this.cancel()
    await this.save(usage)
  }

  private async save (usage: MonthUsage): Promise<void> {
    await this.file.write(formatUsage(usage))
  }
}

export function formatUsage ({ month, bytes }: MonthUsage): string {
  return `${JSON.stringify({ version: 1, month, bytes, crc32: checksum(month, bytes) })}\n`
}

/** `undefined` when it is not what `formatUsage` wrote. */
export function parseUsage (text: string): MonthUsage | undefined {
  try {
    const { version, month, bytes, crc32: sum } = JSON.parse(text.slice(0, MAX_FILE_BYTES)) as Record<string, unknown>
    const whole = version === 1 && typeof month === 'string' && Number.isSafeInteger(bytes) && (bytes as number) >= 0
    return whole && sum === checksum(month, bytes as number) ? { month, bytes: bytes as number } : undefined
  } catch {
    return undefined
  }
}

function checksum (month: string, bytes: number): number {
  return crc32(new TextEncoder().encode(`${month} ${bytes}`))
}
