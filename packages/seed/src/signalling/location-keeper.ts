/**
 * Keeps it known in the fleet which peers are connected to this seed, as a machine: claims each, renews the claim, takes it back; at a bounded rate,
 * so that a bus that comes back is not met by all claims at once.
 */
import { TimerTable, TokenBucket } from '@skein/core'
import { LOCATION_LIFE_MS } from './signal-bus.ts'
import type { Machine, TokenBucketInit } from '@skein/core'

export type LocationEffect =
  /** Answer with `onClaimed` */
  | { type: 'claim', peer: string, floor: number }
  /** Answer with `onRenewed` */
  | { type: 'renew', peer: string, token: number }
  /** Answer with `onReleased` */
  | { type: 'release', peer: string, token: number }

export interface LocationKeeperInit {
  /** Claims, renewals and releases @default 500/s, at most 500 at once */
  rate?: TokenBucketInit
}

interface Entry {
  present: boolean
  /** Of the claim that holds; `undefined`: there is none, or a newer connection wants a newer one */
  token: number | undefined
  /** The bus has been asked and has not answered */
  busy: boolean
  /** A newer connection came while the bus was being asked */
  outdated: boolean
}

/** A renewal may fail twice before the claim ends. */
const RENEWAL_MS = LOCATION_LIFE_MS / 3
/** After the bus has failed, ms. */
const RETRY_MS = 2_000

export class LocationKeeper implements Machine<LocationEffect> {
  private readonly entries = new Map<string, Entry>()
  private readonly due = new TimerTable<string>()
  private readonly effects: LocationEffect[] = []
  private readonly rate: TokenBucketInit
  private bucket: TokenBucket | undefined
  private highest = 0
  private waitUntilMs = -Infinity

  constructor (init: LocationKeeperInit = {}) {
    this.rate = init.rate ?? { ratePerSecond: 500, burst: 500 }
  }

  /** Peers that are claimed, or are to be. */
  get size (): number {
    return this.entries.size
  }

  /** Peers whose claim holds, as far as is known. */
  get held (): number {
    let held = 0
    for (const { present, token } of this.entries.values()) {
      held += present && token !== undefined ? 1 : 0
    }
    return held
  }

  /** The peer has a new connection. */
  onPresent (peer: string, nowMs: number): void {
    const entry = this.entries.get(peer)
    if (entry === undefined) {
      this.entries.set(peer, { present: true, token: undefined, busy: false, outdated: false })
    } else {
      entry.present = true
      entry.outdated = entry.busy
      if (!entry.busy) {
        entry.token = undefined // the newer connection wants a newer token
      }
    }
    this.due.set(peer, nowMs)
    this.onTimeout(nowMs)
  }

  onAbsent (peer: string, nowMs: number): void {
    const entry = this.entries.get(peer)
    if (entry !== undefined) {
      entry.present = false
      this.due.set(peer, nowMs)
      this.onTimeout(nowMs)
    }
  }

  /** `undefined`: the bus failed. */
  onClaimed (peer: string, token: number | undefined, nowMs: number): void {
    this.highest = Math.max(this.highest, token ?? 0)
    this.answered(peer, entry => {
      entry.token = token
      return token === undefined ? RETRY_MS : RENEWAL_MS
    }, nowMs)
  }

  /** `undefined`: the bus failed. */
  onRenewed (peer: string, renewed: boolean | undefined, nowMs: number): void {
    this.answered(peer, entry => {
      if (renewed === false) {
        entry.token = undefined
        return 0
      }
      return renewed === undefined ? RETRY_MS : RENEWAL_MS
    }, nowMs)
  }

  /** Whether or not the bus did it: a claim that is not renewed ends by itself. */
  onReleased (peer: string, nowMs: number): void {
    this.answered(peer, entry => {
      entry.token = undefined
      return 0
    }, nowMs)
  }

  /** The bus was away and may have forgotten all claims. */
  onRestored (nowMs: number): void {
    for (const [peer, entry] of this.entries) {
      if (!entry.busy) {
        this.due.set(peer, nowMs)
      }
    }
    this.onTimeout(nowMs)
  }

  onTimeout (nowMs: number): void {
    this.bucket ??= new TokenBucket(this.rate, nowMs)
    this.waitUntilMs = -Infinity
    for (let nextMs = this.due.nextMs(); nextMs !== undefined && nextMs <= nowMs; nextMs = this.due.nextMs()) {
      if (!this.bucket.take(1, nowMs)) {
        this.waitUntilMs = nowMs + this.bucket.waitMs(1, nowMs)
        return
      }
      this.step(this.due.popDue(nowMs) as string)
    }
  }

  poll (): LocationEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    const nextMs = this.due.nextMs()
    return nextMs === undefined ? undefined : Math.max(nextMs, this.waitUntilMs)
  }

  private step (peer: string): void {
    const entry = this.entries.get(peer)
    if (entry === undefined || entry.busy) {
      return // due again when the answer is here
    }
    const { present, token } = entry
    if (token === undefined && !present) {
      this.entries.delete(peer)
      return
    }
    entry.busy = true
    if (token === undefined) {
      // the bus sees to it that the token grows; the floor does when the bus has lost its memory and its clock was set back
      this.effects.push({ type: 'claim', peer, floor: this.highest + 1 })
    } else {
      this.effects.push({ type: present ? 'renew' : 'release', peer, token })
    }
  }

  /** @param take - takes the answer in, and says after how long the peer's turn comes again */
  private answered (peer: string, take: (entry: Entry) => number, nowMs: number): void {
    const entry = this.entries.get(peer)
    if (entry === undefined || !entry.busy) {
      return
    }
    entry.busy = false
    const afterMs = take(entry)
    if (entry.outdated) {
      entry.outdated = false
      entry.token = undefined
      this.due.set(peer, nowMs)
    } else {
      this.due.set(peer, entry.present ? nowMs + afterMs : nowMs)
    }
    this.onTimeout(nowMs)
  }
}
