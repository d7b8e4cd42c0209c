/**
 * When a provider tells its offer in the topic of its model. All hear each other, and share what the topic may carry without knowing how many they
 * are: who would repeat its offer and finds enough said puts it off twice as far as before, as in Trickle (P. Levis et al., RFC 6206, §4.2), where
 * the least interval is the one that is doubled too. So a crowd of any size tells a sample of itself that rotates, and only those of whom others
 * hold a live offer tell how it changes.
 */
import { MAX_OFFER_LIFE_MS } from '@skein/records'
import { randomFloat } from '@skein/core'
import { loadChange } from './own-load.ts'
import type { HeardRate } from './heard-rate.ts'
import type { OverlayRules } from './overlay-options.ts'
import type { LoadChange, OwnLoad } from './own-load.ts'
import type { Random } from '@skein/core'

/**
 * Up to which share of what a topic may carry each kind is told. That a provider is full is worth most, for others call it until they know, and may
 * go beyond for a while: each comes after something else that was told, which has to wait until the topic is less full again.
 */
const SHARES = { repetition: 0.6, other: 0.8, full: 1.5 }
/** From a minute to a day and a half: more would not be told less. */
const MAX_DOUBLINGS = 11
/**
 * So long after its last repetition a provider tells that it is full, and then nothing until there is room for a repetition: those whose load changes
 * often would fill the topic for good, always the same ones, and load with callers who know of no others.
 */
const TURN_MS = 240_000
/** A change that finds no room waits between once and twice this, then twice as long each time, ms: many wait who do not hear each other at once. */
const CHANGE_RETRY_MS = 500

export interface OfferTellingInit {
  rules: Pick<OverlayRules, 'repeatMs' | 'spacingMs' | 'listenMs'>
  random: Random
  heard: HeardRate
  load: OwnLoad
}

export class OfferTelling {
  /** Repetitions, and changes of load, that found no room and were put off */
  deferred = 0
  private readonly rules: OfferTellingInit['rules']
  private readonly random: Random
  private readonly heard: HeardRate
  private load: OwnLoad
  private told?: { load: OwnLoad, atMs: number }
  private repeatedMs = -Infinity
  private intervalMs: number
  private repeatAtMs: number
  private changeAtMs?: number
  private changeRetryMs = CHANGE_RETRY_MS
  private isOutdated = false

  constructor (init: OfferTellingInit, nowMs: number) {
    this.rules = init.rules
    this.random = init.random
    this.heard = init.heard
    this.load = init.load
    // all that join together come to word within a minute or two, as long as they are not too many
    this.intervalMs = init.rules.listenMs
    this.repeatAtMs = nowMs + this.inSecondHalf(this.intervalMs)
  }

  get nextMs (): number {
    return Math.min(this.repeatAtMs, this.changeAtMs ?? Infinity)
  }

  onLoad (load: OwnLoad, nowMs: number): void {
    this.load = load
    const { told } = this
    const change = this.changeToTell(nowMs)
    if (change === undefined) {
      this.changeAtMs = undefined
      this.changeRetryMs = CHANGE_RETRY_MS
    } else if (change === 'full' || this.changeAtMs === undefined) {
      this.changeAtMs = Math.max(nowMs, (told?.atMs ?? -Infinity) + this.rules.spacingMs)
    }
  }

  /** Who told is to be reached elsewhere: worth as much as that it is full. */
  onOutdated (nowMs: number): void {
    this.isOutdated = true
    this.changeAtMs = Math.max(nowMs, (this.told?.atMs ?? -Infinity) + this.rules.spacingMs)
  }

  /** The first others have come: what was said before, nobody heard. */
  onListeners (nowMs: number): void {
    this.repeatAtMs = Math.min(this.repeatAtMs, nowMs + this.inSecondHalf(this.rules.listenMs))
  }

  /** Time passed. Whether the offer is to be told now. */
  onTimeout (nowMs: number): boolean {
    if (this.changeAtMs !== undefined && this.changeAtMs <= nowMs && this.isChangeDue(nowMs)) {
      return this.tell(nowMs)
    }
    if (this.repeatAtMs > nowMs) {
      return false
    }
    const freeAtMs = (this.told?.atMs ?? -Infinity) + this.rules.spacingMs
    if (freeAtMs > nowMs) {
      this.repeatAtMs = freeAtMs
      return false
    }
    const { repeatMs } = this.rules
    if (this.heard.hasRoom(SHARES.repetition, nowMs)) {
      this.intervalMs = Math.max(repeatMs, this.intervalMs / 2)
      this.repeatedMs = nowMs
      this.repeatAtMs = nowMs + this.inSecondHalf(this.intervalMs)
      return this.tell(nowMs)
    }
    this.deferred++
    this.intervalMs = Math.min(repeatMs * 2 ** MAX_DOUBLINGS, this.intervalMs * 2)
    this.repeatAtMs = nowMs + this.inSecondHalf(this.intervalMs)
    return false
  }

  private isChangeDue (nowMs: number): boolean {
    this.changeAtMs = undefined
    const change = this.changeToTell(nowMs)
    if (change === undefined) {
      return false
    }
    if (this.heard.hasRoom(SHARES[change], nowMs)) {
      return true
    }
    this.deferred++
    this.changeRetryMs *= 2
    this.changeAtMs = nowMs + this.inSecondHalf(this.changeRetryMs)
    return false
  }

  private changeToTell (nowMs: number): LoadChange | undefined {
    const { told } = this
    if (told === undefined || nowMs - told.atMs >= MAX_OFFER_LIFE_MS) {
      return undefined // nobody holds an offer that it would correct
    }
    const change = this.isOutdated ? 'full' : loadChange(told.load, this.load)
    return change === 'other' && nowMs - this.repeatedMs >= TURN_MS ? undefined : change
  }

  private tell (nowMs: number): true {
    this.told = { load: this.load, atMs: nowMs }
    this.isOutdated = false
    this.changeAtMs = undefined
    this.changeRetryMs = CHANGE_RETRY_MS
    this.repeatAtMs = Math.max(this.repeatAtMs, nowMs + this.rules.spacingMs)
    this.heard.onMessage(nowMs)
    return true
  }

  private inSecondHalf (ms: number): number {
    return Math.ceil(ms * (1 + randomFloat(this.random)) / 2)
  }
}
