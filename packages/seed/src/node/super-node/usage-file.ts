/**
 * What a super-node has carried, in a file of its data folder. Each record names some bytes more, up to which may be carried before the next: a
 * process that ends without a word is taken to have carried them, so that no crash, however often, makes the totals smaller than they were.
 */
import { join } from 'node:path'
import { crc32 } from '@skein/core'
import { LocalClock, MAX_USAGE_DAYS } from '@skein/supernode'
import { DurableText } from '../durable-text.ts'
import type { Clock } from '@skein/core'
import type { DayUsage, UsageStore, VolunteerQuota } from '@skein/supernode'

export const USAGE_FILE = 'super-node-usage.json'
/** 400 days of some 80 bytes. */
const MAX_FILE_CHARS = 65_536
const DAY_MS = 86_400_000

/** The file is damaged; it was put aside, and the count goes on from an assumption. */
export class UsageDamagedError extends Error {
  static override name = 'UsageDamagedError'
  override readonly name = 'UsageDamagedError'
  readonly path: string
  readonly movedTo: string
  /** Of this month: as if the quotas had been used evenly so far */
  readonly assumedBytes: number

  constructor (path: string, movedTo: string, assumedBytes: number) {
    super(`What this super-node has carried (${path}) was damaged and moved to ${movedTo}. ${(assumedBytes / 1e9).toFixed(1)} GB are taken ` +
      'as used this month, an even share of the quotas; to begin at 0, stop it, delete the new file and start it again')
    this.path = path
    this.movedTo = movedTo
    this.assumedBytes = assumedBytes
  }
}

export interface UsageFileInit {
  folder: string
  quota: Pick<VolunteerQuota, 'bytesPerDay' | 'bytesPerMonth' | 'timeZone'>
  clock: Clock
  onDamage: (error: UsageDamagedError) => void
  /** The file cannot be written; counting goes on in memory. Told once until it can again */
  onProblem: (error: Error) => void
}

interface UsageRecord {
  days: DayUsage[]
  spareBytes: number
}

export class UsageFile implements UsageStore {
  private readonly init: UsageFileInit
  private readonly file: DurableText

  constructor (init: UsageFileInit) {
    this.init = init
    this.file = new DurableText(join(init.folder, USAGE_FILE), init.onProblem)
  }

  async load (): Promise<DayUsage[]> {
    const text = await this.file.read()
    if (text === undefined) {
      return []
    }
    const record = parseUsageRecord(text)
    if (record !== undefined) {
      return withSpare(record, this.today())
    }
    const { quota, clock, onDamage } = this.init
    const days = evenUsage(quota, clock.nowMs())
    const movedTo = await this.file.putAside()
    onDamage(new UsageDamagedError(this.file.path, movedTo, days.reduce((sum, { bytes }) => sum + bytes, 0)))
    return days
  }

  /** @param spareBytes what may be carried beyond these totals before they are saved again; 0 at the end */
  async save (days: readonly DayUsage[], spareBytes = 0): Promise<void> {
    await this.file.write(formatUsageRecord({ days: [...days], spareBytes }))
  }

  private today (): string {
    return new LocalClock(this.init.quota.timeZone ?? 'UTC').keyOf('day', this.init.clock.nowMs())
  }
}

export function formatUsageRecord ({ days, spareBytes }: UsageRecord): string {
  const body = JSON.stringify({ days, spareBytes })
  return `${JSON.stringify({ version: 1, crc32: checksum(body), days, spareBytes })}\n`
}

/** `undefined` when it is not what `formatUsageRecord` wrote. */
export function parseUsageRecord (text: string): UsageRecord | undefined {
  if (text.length > MAX_FILE_CHARS) {
    return undefined
  }
  try {
    const { version, crc32: sum, days, spareBytes } = JSON.parse(text) as { version: number, crc32: number, days: DayUsage[], spareBytes: number }
    const whole = version === 1 && sum === checksum(JSON.stringify({ days, spareBytes })) &&
      Array.isArray(days) && days.length <= MAX_USAGE_DAYS && days.every(isDay) && isCount(spareBytes)
    return whole ? { days, spareBytes } : undefined
  } catch {
    return undefined
  }
}

/** The last day is the one in which the process died, or this day when it had carried nothing before. */
function withSpare ({ days, spareBytes }: UsageRecord, today: string): DayUsage[] {
  if (spareBytes === 0) {
    return days
  }
  const last = days.at(-1) ?? { day: today, bytes: 0, circuits: 0, clients: 0 }
  return [...days.slice(0, -1), { ...last, bytes: last.bytes + spareBytes }]
}

/** As if each quota had been used evenly until now: of today, and the rest of the month's on the day before, if that is of this month. */
function evenUsage ({ bytesPerDay = Infinity, bytesPerMonth = Infinity, timeZone = 'UTC' }: UsageFileInit['quota'], nowMs: number): DayUsage[] {
  const local = new LocalClock(timeZone)
  const { day, minute } = local.at(nowMs)
  const monthShare = (day - 1 + minute / 1440) / 31
  const ofMonth = bytesPerMonth === Infinity ? 0 : Math.round(bytesPerMonth * monthShare)
  const ofDay = bytesPerDay === Infinity ? 0 : Math.round(bytesPerDay * minute / 1440)
  const before = local.keyOf('day', nowMs - DAY_MS)
  const isSameMonth = day > 1
  const rest = Math.max(0, ofMonth - ofDay)
  const usage = (key: string, bytes: number): DayUsage => ({ day: key, bytes, circuits: 0, clients: 0 })
  return [...isSameMonth && rest > 0 ? [usage(before, rest)] : [], usage(local.keyOf('day', nowMs), Math.max(ofDay, isSameMonth ? 0 : ofMonth))]
}

function isDay ({ day, bytes, circuits, clients }: DayUsage): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(day) && isCount(bytes) && isCount(circuits) && isCount(clients)
}

function isCount (value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function checksum (body: string): number {
  return crc32(new TextEncoder().encode(body))
}
