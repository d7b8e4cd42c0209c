/** The places that a client holds for one session: the one it uses, the one it left and keeps for a while, and those that are to be given back. */
import type { SessionLease } from '@skein/records'
import type { SessionAction } from './session-question.ts'

export interface HeldPlace {
  readonly holder: string
  readonly fence: number
  readonly lease: SessionLease
  /** By the client's clock */
  readonly untilMs: number
  /** The super-node says that it will not be one for long */
  readonly leaving: boolean
  /** It does not answer */
  readonly failing: boolean
}

interface Place {
  holder: string
  fence: number
  lease: SessionLease
  untilMs: number
  leaving: boolean
  failing: boolean
  renewAtMs: number
  asking: boolean
  unanswered: number
  disconnected: boolean
}

interface Return {
  holder: string
  fence: number
  atMs: number
  tries: number
}

interface Renewed {
  lease: SessionLease
  leaving: boolean
  sentMs: number
}

/** Not answered so often, it is taken for dead; once is enough when the connection ended. */
const MAX_UNANSWERED = 2
/** A place that was not given back runs out by itself. */
const MAX_RETURN_TRIES = 3
const MAX_RETURNS = 8

export class HeldPlaces {
  private readonly renewMs: number
  private readonly retryMs: number
  private used?: Place
  private left?: Place & { giveAtMs: number }
  private returns: Return[] = []

  constructor (renewMs: number, retryMs: number) {
    this.renewMs = renewMs
    this.retryMs = retryMs
  }

  get current (): HeldPlace | undefined {
    return this.used
  }

  get isEmpty (): boolean {
    return this.used === undefined && this.left === undefined && this.returns.length === 0
  }

  has (holder: string): boolean {
    return this.used?.holder === holder || this.left?.holder === holder
  }

  /** Uses this one from now on; the one before goes on until `overlapUntilMs`, where it answers. */
  take (holder: string, fence: number, { lease, leaving, sentMs }: Renewed, overlapUntilMs: number): void {
    const before = this.used
    this.used = {
      holder, fence, lease, leaving, untilMs: sentMs + lease.expiresAtMs - lease.issuedAtMs, renewAtMs: sentMs + this.renewMs,
      failing: false, asking: false, unanswered: 0, disconnected: false
    }
    if (this.left !== undefined) {
      this.giveLater(this.left.holder, this.left.fence, sentMs)
    }
    this.left = undefined
    if (before?.failing === true) {
      this.giveLater(before.holder, before.fence, sentMs)
    } else if (before !== undefined) {
      this.left = { ...before, asking: false, giveAtMs: overlapUntilMs }
    }
  }

  /** @returns whether it is held under that number */
  onRenewed (holder: string, fence: number, { lease, leaving, sentMs }: Renewed): boolean {
    const place = this.find(holder, fence)
    if (place !== undefined) {
      Object.assign(place, {
        lease, leaving, untilMs: Math.max(place.untilMs, sentMs + lease.expiresAtMs - lease.issuedAtMs), renewAtMs: sentMs + this.renewMs,
        failing: false, asking: false, unanswered: 0, disconnected: false
      })
    }
    return place !== undefined
  }

  /** It is there, and does not renew now. */
  onPutOff (holder: string, fence: number, leaving: boolean, nowMs: number): void {
    const place = this.find(holder, fence)
    if (place !== undefined) {
      Object.assign(place, { leaving: place.leaving || leaving, asking: false, renewAtMs: nowMs + (leaving ? this.renewMs : this.retryMs) })
    }
  }

  onUnanswered (action: SessionAction, holder: string, fence: number, nowMs: number): void {
    if (action === 'give') {
      this.returns = this.returns.filter(one => one.holder !== holder || one.fence !== fence || one.tries < MAX_RETURN_TRIES)
      return
    }
    const place = this.find(holder, fence)
    if (place !== undefined) {
      place.unanswered++
      place.asking = false
      place.failing = place.disconnected || place.unanswered >= MAX_UNANSWERED
      place.renewAtMs = nowMs + this.retryMs
    }
  }

  onDisconnected (holder: string, nowMs: number): void {
    for (const place of [this.used, this.left]) {
      if (place?.holder === holder) {
        place.disconnected = true
        place.renewAtMs = nowMs
      }
    }
  }

  /** The one that is used is asked at once whether it holds the session. */
  check (nowMs: number): void {
    if (this.used !== undefined) {
      this.used.renewAtMs = nowMs
    }
  }

  onGiven (holder: string, fence: number): void {
    this.returns = this.returns.filter(one => one.holder !== holder || one.fence !== fence)
  }

  drop (holder: string, fence: number): void {
    if (this.used?.holder === holder && this.used.fence === fence) {
      this.used = undefined
    } else if (this.left?.holder === holder && this.left.fence === fence) {
      this.left = undefined
    }
  }

  /** Beyond the bound the lease sees to it. */
  giveLater (holder: string, fence: number, nowMs: number): void {
    if (this.returns.length < MAX_RETURNS) {
      this.returns.push({ holder, fence, atMs: nowMs, tries: 0 })
    }
  }

  giveAll (nowMs: number): void {
    for (const place of [this.used, this.left]) {
      if (place !== undefined) {
        this.giveLater(place.holder, place.fence, nowMs)
      }
    }
    this.used = this.left = undefined
  }

  /** @returns whose place was used, and is over */
  expire (nowMs: number): string | undefined {
    if (this.left !== undefined && (this.left.untilMs <= nowMs || this.left.failing)) {
      this.left = undefined
    }
    if (this.left !== undefined && this.left.giveAtMs <= nowMs) {
      this.giveLater(this.left.holder, this.left.fence, nowMs)
      this.left = undefined
    }
    if (this.used !== undefined && this.used.untilMs <= nowMs) {
      const { holder } = this.used
      this.used = undefined
      return holder
    }
    return undefined
  }

  /** What is to be asked now. */
  due (nowMs: number): Array<{ action: 'renew' | 'give', holder: string, fence: number }> {
    const questions: Array<{ action: 'renew' | 'give', holder: string, fence: number }> = []
    for (const place of [this.used, this.left]) {
      if (place !== undefined && !place.asking && place.renewAtMs <= nowMs) {
        place.asking = true
        questions.push({ action: 'renew', holder: place.holder, fence: place.fence })
      }
    }
    for (const one of this.returns) {
      if (one.atMs <= nowMs) {
        one.tries++
        one.atMs = nowMs + this.retryMs
        questions.push({ action: 'give', holder: one.holder, fence: one.fence })
      }
    }
    return questions
  }

  nextTimeoutMs (): number | undefined {
    const times = this.returns.map(({ atMs }) => atMs)
    for (const place of [this.used, this.left]) {
      if (place !== undefined) {
        times.push(place.untilMs, ...place.asking ? [] : [place.renewAtMs])
      }
    }
    if (this.left !== undefined) {
      times.push(this.left.giveAtMs)
    }
    return times.length === 0 ? undefined : Math.min(...times)
  }

  private find (holder: string, fence: number): Place | undefined {
    return [this.used, this.left].find(place => place?.holder === holder && place.fence === fence)
  }
}
