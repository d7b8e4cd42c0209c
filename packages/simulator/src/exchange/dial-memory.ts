/**
 * Which dials devices remember, in typed arrays, as `DialLimits` of `@skein/pex` does: those of the last ten minutes by who told of them, whom they
 * asked in the last minute, and networks in which dials failed, which are few.
 */
import { DIAL_MINUTE_MS, DIAL_WINDOW_MS } from '@skein/pex'

/** As `DialLimits` has by default. */
const [PER_NETWORK, SOURCE_SHARE, SOURCE_FLOOR, MAX_DIALS] = [2, 0.1, 2, 300]
/** Peers asked in a minute: two seconds at least are between them. */
const MAX_ASKED = 32
const [FREE_FAILURES, FIRST_BACK_OFF_MS, MAX_BACK_OFF_MS, OWN_OUTAGE_MS] = [1, 1_800_000, 24 * 3_600_000, 600_000]
/** Networks, at most: a device and a network are one key. */
const NETWORKS = 2 ** 22
/** A dial that nobody else told of. */
export const OWN_KNOWLEDGE = -1

export class DialMemory {
  /** Time and source of each dial, the first first; memory that was never written takes no room */
  private readonly dials: Int32Array
  private readonly dialCount: Int32Array
  private readonly asked: Int32Array
  private readonly askedCount: Int32Array
  private readonly networkOf: (peer: number) => number
  private readonly succeededAt: Int32Array
  private readonly failures = new Map<number, { count: number, untilMs: number }>()

  constructor (slots: number, networkOf: (peer: number) => number) {
    this.dials = new Int32Array(slots * 2 * MAX_DIALS)
    this.dialCount = new Int32Array(slots)
    this.asked = new Int32Array(slots * 2 * MAX_ASKED)
    this.askedCount = new Int32Array(slots)
    this.succeededAt = new Int32Array(slots)
    this.networkOf = networkOf
  }

  static byteLength (slots: number): number {
    return slots * (8 * MAX_DIALS + 8 * MAX_ASKED + 12)
  }

  clear (slot: number): void {
    this.dialCount[slot] = 0
    this.askedCount[slot] = 0
    this.succeededAt[slot] = -OWN_OUTAGE_MS
  }

  /** Forgets what is too long ago to matter. */
  forget (slot: number, nowMs: number): void {
    this.dialCount[slot] = dropOld(this.dials, slot * 2 * MAX_DIALS, this.dialCount[slot] as number, nowMs - DIAL_WINDOW_MS)
    this.askedCount[slot] = dropOld(this.asked, slot * 2 * MAX_ASKED, this.askedCount[slot] as number, nowMs - DIAL_MINUTE_MS)
  }

  wasAsked (slot: number, peer: number): boolean {
    const from = slot * 2 * MAX_ASKED
    for (let at = from, end = from + 2 * (this.askedCount[slot] as number); at < end; at += 2) {
      if (this.asked[at + 1] === peer) {
        return true
      }
    }
    return false
  }

  /** As `DialLimits.plan` for a peer with one address. */
  admits (slot: number, device: number, peer: number, source: number, nowMs: number): boolean {
    const count = this.dialCount[slot] as number
    const network = this.networkOf(peer)
    return count < MAX_DIALS && this.admitsSource(slot, source, count) && this.admitsNetwork(slot, network) &&
      (network < 0 || nowMs >= (this.failures.get(device * NETWORKS + network)?.untilMs ?? 0))
  }

  onEnd (slot: number, device: number, peer: number, reached: boolean, nowMs: number): void {
    const network = this.networkOf(peer)
    const key = device * NETWORKS + network
    if (reached) {
      this.succeededAt[slot] = nowMs
      if (network >= 0 && this.failures.size > 0) {
        this.failures.delete(key)
      }
    } else if (network >= 0 && nowMs - (this.succeededAt[slot] as number) < OWN_OUTAGE_MS) {
      const count = (this.failures.get(key)?.count ?? 0) + 1
      const backOffMs = count > FREE_FAILURES ? Math.min(MAX_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** (count - FREE_FAILURES - 1)) : 0
      this.failures.set(key, { count, untilMs: nowMs + backOffMs })
    }
  }

  onAsk (slot: number, peer: number, source: number, nowMs: number): void {
    const dial = 2 * (slot * MAX_DIALS + this.dialCount[slot]!++)
    this.dials[dial] = nowMs
    this.dials[dial + 1] = source
    const asked = 2 * (slot * MAX_ASKED + this.askedCount[slot]!++)
    this.asked[asked] = nowMs
    this.asked[asked + 1] = peer
  }

  private admitsSource (slot: number, source: number, count: number): boolean {
    if (source === OWN_KNOWLEDGE) {
      return true
    }
    const from = slot * 2 * MAX_DIALS
    let caused = 0
    for (let at = from, end = from + 2 * count; at < end; at += 2) {
      caused += this.dials[at + 1] === source ? 1 : 0
    }
    return caused < SOURCE_FLOOR || caused + 1 <= SOURCE_SHARE * (count + 1)
  }

  private admitsNetwork (slot: number, network: number): boolean {
    if (network < 0) {
      return true
    }
    const from = slot * 2 * MAX_ASKED
    let made = 0
    for (let at = from, end = from + 2 * (this.askedCount[slot] as number); at < end; at += 2) {
      made += this.networkOf(this.asked[at + 1] as number) === network ? 1 : 0
    }
    return made < PER_NETWORK
  }
}

/** Takes pairs of time and number from the front as long as they are of `untilMs` or before. Returns how many are left. */
function dropOld (pairs: Int32Array, from: number, count: number, untilMs: number): number {
  let old = 0
  while (old < count && (pairs[from + 2 * old] as number) <= untilMs) {
    old++
  }
  if (old > 0) {
    pairs.copyWithin(from, from + 2 * old, from + 2 * count)
  }
  return count - old
}
