/**
 * How much of a peer's traffic may go through relays: a share of its bytes and a number of them, over a sliding window. It never forbids: a request
 * that can only be relayed is made, and counted. It tells the ranking to pass over relayed providers while there are others.
 */
import { PATHS } from './path-table.ts'
import type { Path } from './path-table.ts'

export interface RelayBudgetInit {
  /** Of all bytes in the window, 0 to 1 @default 0.05 */
  share?: number
  /** In the window @default no bound but the share */
  bytes?: number
  /** So many relayed bytes are not worth a rule, whatever their share @default 1_048_576 */
  freeBytes?: number
  /** Length of the window, ms @default 86_400_000 */
  windowMs?: number
}

export interface BudgetState {
  /** Bytes in the window, by path */
  bytes: Record<Path, number>
  /** Relayed bytes among all, 0 to 1 */
  share: number
  /** Relayed providers are passed over while there are others */
  spent: boolean
}

const SLICES = 24

export class RelayBudget {
  private readonly init: Required<RelayBudgetInit>
  private readonly slices: Array<Record<Path, number>> = Array.from({ length: SLICES }, noBytes)
  private slice = 0

  constructor (init: RelayBudgetInit = {}) {
    const { share = 0.05, bytes = Infinity, freeBytes = 1_048_576, windowMs = 86_400_000 } = init
    if (!(share >= 0 && share <= 1 && bytes >= 0 && freeBytes >= 0 && windowMs > 0)) {
      throw new RangeError('A relay budget is a share of 0 to 1, and bytes of 0 or more, in a window of more than 0 ms')
    }
    this.init = { share, bytes, freeBytes, windowMs }
  }

  onBytes (path: Path, bytes: number, nowMs: number): void {
    this.advance(nowMs);
    (this.slices[this.slice % SLICES] as Record<Path, number>)[path] += bytes
  }

  state (nowMs: number): BudgetState {
    this.advance(nowMs)
    const bytes = noBytes()
    let all = 0
    for (const path of PATHS) {
      bytes[path] = this.slices.reduce((sum, slice) => sum + slice[path], 0)
      all += bytes[path]
    }
    const share = all === 0 ? 0 : bytes.relayed / all
    const spent = bytes.relayed > this.init.freeBytes && (share > this.init.share || bytes.relayed > this.init.bytes)
    return { bytes, share, spent }
  }

  /** Forgets what is older than the window, a twenty-fourth of it at a time. A clock that goes back forgets nothing. */
  private advance (nowMs: number): void {
    const now = Math.floor(nowMs / this.init.windowMs * SLICES)
    for (let slice = Math.max(this.slice + 1, now - SLICES + 1); slice <= now; slice++) {
      this.slices[slice % SLICES] = noBytes()
    }
    this.slice = Math.max(this.slice, now)
  }
}

function noBytes (): Record<Path, number> {
  return { direct: 0, punched: 0, bonded: 0, relayed: 0 }
}
