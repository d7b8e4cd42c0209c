/** How many bytes a node gives for measurements in an hour: of all, and of what those in one network ask for. */

export interface MeasurementBudgetInit {
  /**
   * Bytes in any hour, both directions together. Seven verifiers that measure a fast peer take 105 MiB.
   *
   * @default 134_217_728
   */
  maxBytesPerHour?: number
  /**
   * … for those in one /16 (IPv6: /32).
   *
   * @default 33_554_432
   */
  maxNetworkBytesPerHour?: number
}

const HOUR_MS = 3_600_000
/** The smallest round has half a MiB, so that there are never more of them within the bytes; kept below that for a budget that is larger. */
const MAX_KEPT = 4_096

interface Spent {
  atMs: number
  bytes: number
  network: string | undefined
}

export class MeasurementBudget {
  private readonly maxBytes: number
  private readonly maxNetworkBytes: number
  /** Of the last hour, oldest first */
  private readonly spent: Spent[] = []

  constructor (init: MeasurementBudgetInit = {}) {
    this.maxBytes = init.maxBytesPerHour ?? 128 * 1024 * 1024
    this.maxNetworkBytes = init.maxNetworkBytesPerHour ?? 32 * 1024 * 1024
  }

  /** Spends them and gives 0; or how long it is until they are there, ms, `Infinity` for more than there ever are. */
  take (bytes: number, network: string | undefined, nowMs: number): number {
    const waitMs = this.waitMs(bytes, network, nowMs)
    if (waitMs === 0) {
      this.spent.push({ atMs: nowMs, bytes, network })
    }
    return waitMs
  }

  waitMs (bytes: number, network: string | undefined, nowMs: number): number {
    this.forget(nowMs)
    const ofNetwork = network === undefined ? [] : this.spent.filter(spent => spent.network === network)
    const full = this.spent.length >= MAX_KEPT ? (this.spent[0] as Spent).atMs + HOUR_MS - nowMs : 0
    return Math.max(full, freeAfterMs(this.spent, this.maxBytes - bytes, nowMs), freeAfterMs(ofNetwork, this.maxNetworkBytes - bytes, nowMs))
  }

  /** Bytes of the last hour. */
  bytes (nowMs: number): number {
    this.forget(nowMs)
    return this.spent.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  private forget (nowMs: number): void {
    const kept = this.spent.findIndex(({ atMs }) => nowMs - atMs < HOUR_MS)
    this.spent.splice(0, kept === -1 ? this.spent.length : kept)
  }
}

/** When the sum of these, each for an hour, is no more than `most`. */
function freeAfterMs (spent: readonly Spent[], most: number, nowMs: number): number {
  if (most < 0) {
    return Infinity
  }
  let over = spent.reduce((sum, { bytes }) => sum + bytes, 0) - most
  for (const { atMs, bytes } of spent) {
    if (over <= 0) {
      return 0
    }
    over -= bytes
    if (over <= 0) {
      return atMs + HOUR_MS - nowMs
    }
  }
  return 0
}
