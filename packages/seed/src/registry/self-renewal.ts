/**
 * When a seed that relays signs and registers itself: at half the life of its registration, and soon after its load has changed so much that peers
 * should be sent elsewhere, or back. A machine; the driver signs, and tells it the load.
 */
import { TimerTable } from '@skein/core'
import type { Machine } from '@skein/core'
import type { RelayLoad } from '@skein/records'

export interface SelfRenewalEffect {
  type: 'register'
  /** Other seeds should hear of it too; without it, they do at their own pace */
  changed: boolean
}

/** Between two registrations for the load, ms; a signature and a write for each. */
const MIN_INTERVAL_MS = 10_000
const RETRY_MS = 10_000
/** A tenth of the places: ranking by load does not need it finer. */
const NOTABLE_SHARE = 0.1

export class SelfRenewal implements Machine<SelfRenewalEffect> {
  private readonly timers = new TimerTable<'renew' | 'change'>()
  private readonly effects: SelfRenewalEffect[] = []
  private told: RelayLoad | undefined
  private toldMs = -Infinity
  private under = false

  onStart (nowMs: number): void {
    this.timers.set('renew', nowMs)
    this.onTimeout(nowMs)
  }

  /** The load has changed; `undefined` while the relay takes nobody. */
  onLoad (load: RelayLoad | undefined, nowMs: number): void {
    if (this.toldMs === -Infinity || !isNotable(this.told, load)) {
      this.timers.delete('change')
    } else if (this.timers.deadlineOf('change') === undefined) {
      this.timers.set('change', Math.max(nowMs, this.toldMs + MIN_INTERVAL_MS))
      this.onTimeout(nowMs)
    }
  }

  /** The record that said `load` is in the registry. */
  onRegistered (load: RelayLoad | undefined, lifeMs: number, nowMs: number): void {
    this.under = false
    this.told = load
    this.toldMs = nowMs
    this.timers.set('renew', nowMs + lifeMs / 2)
  }

  onFailed (nowMs: number): void {
    this.under = false
    this.timers.set('renew', nowMs + RETRY_MS)
  }

  onTimeout (nowMs: number): void {
    for (let due = this.timers.popDue(nowMs); due !== undefined; due = this.timers.popDue(nowMs)) {
      if (!this.under) {
        this.under = true
        this.effects.push({ type: 'register', changed: due === 'change' })
      }
    }
  }

  poll (): SelfRenewalEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.timers.nextMs()
  }
}

/** It opened or closed, filled up or has room again, or a tenth of its places came or went. */
export function isNotable (before: RelayLoad | undefined, after: RelayLoad | undefined): boolean {
  if (before === undefined || after === undefined) {
    return before !== after
  }
  return isFull(before) !== isFull(after) ||
    Math.abs(after.reservations - before.reservations) >= NOTABLE_SHARE * after.maxReservations ||
    Math.abs(after.circuits - before.circuits) >= NOTABLE_SHARE * after.maxCircuits
}

function isFull ({ reservations, maxReservations, circuits, maxCircuits }: RelayLoad): boolean {
  return reservations >= maxReservations || circuits >= maxCircuits
}
