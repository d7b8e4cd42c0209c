/**
 * Who says that a member has crashed: those that were connected to it. Each of them waits, looks whether it can be reached, and waits again, so
 * that as a rule one of them says it; the others hear it and keep silent.
 */
import { BoundedMap, randomFloat, TokenBucket } from '@skein/core'
import { MAX_GONE } from './cluster-notice.ts'
import type { EmitClusterEffect } from './cluster-effect.ts'
import type { MemberTable } from './member-table.ts'
import type { Random } from '@skein/core'

export interface PresenceWatchInit {
  table: MemberTable
  random: Random
  emit: EmitClusterEffect
  /** These are gone, as this peer found */
  onGone: (gone: Array<{ peer: string, seq: number }>, nowMs: number) => void
}

interface Suspicion {
  stage: 'waiting' | 'probing' | 'certain'
  atMs: number
}

/** A peer that only lost its connection makes a new one within this. */
const PROBE_AFTER_MS = 1000
const PROBE_SPREAD_MS = 3000
/** What ten witnesses spread their word over, so that the second hears the first. */
const SAY_SPREAD_MS = 10_000
const PROBE_TIMEOUT_MS = 30_000
/** Notices a minute of one witness; each tells of up to 16. */
const SAID_PER_MINUTE = 4
const MAX_SUSPECTS = 256
/** Who has just connected says within a second which topics it has joined. */
const ABSENT_AFTER_MS = 10_000
/** Of a peer that was thought absent and said that it was not. */
const AGAIN_MS = 1_800_000

export class PresenceWatch {
  private readonly init: PresenceWatchInit
  private readonly suspects = new BoundedMap<string, Suspicion>({ maxSize: MAX_SUSPECTS })
  /** Of whom it said so, and when */
  private readonly told = new BoundedMap<string, number>({ maxSize: MAX_SUSPECTS })
  private said?: TokenBucket

  constructor (init: PresenceWatchInit) {
    this.init = init
  }

  /** The last connection to a peer was closed. */
  onDisconnected (peer: string, nowMs: number): void {
    if (this.init.table.has(peer) && !this.suspects.has(peer)) {
      this.suspects.set(peer, { stage: 'waiting', atMs: nowMs + PROBE_AFTER_MS + this.upTo(PROBE_SPREAD_MS) })
    }
  }

  /** A member is connected and has not joined the topic: it left, and nobody heard it. */
  onAbsent (peer: string, nowMs: number): void {
    if (!this.suspects.has(peer) && nowMs - (this.told.get(peer) ?? -Infinity) >= AGAIN_MS) {
      this.suspects.set(peer, { stage: 'certain', atMs: nowMs + ABSENT_AFTER_MS + this.upTo(SAY_SPREAD_MS) })
    }
  }

  onHeard (peer: string): void {
    this.suspects.delete(peer)
  }

  /** `true` when the peer was suspected, and cannot be reached. */
  onProbed (peer: string, reachable: boolean, nowMs: number): boolean {
    const suspicion = this.suspects.get(peer)
    if (suspicion?.stage !== 'probing') {
      return false
    }
    if (reachable) {
      this.suspects.delete(peer)
    } else {
      Object.assign(suspicion, { stage: 'certain', atMs: nowMs + this.upTo(SAY_SPREAD_MS) })
    }
    return !reachable
  }

  onTimeout (nowMs: number): void {
    const gone: Array<{ peer: string, seq: number }> = []
    for (const [peer, suspicion] of this.suspects) {
      const known = this.init.table.get(peer)
      if (known === undefined) {
        this.suspects.delete(peer) // it left, or another said it
      } else if (suspicion.atMs <= nowMs && suspicion.stage === 'waiting') {
        Object.assign(suspicion, { stage: 'probing', atMs: nowMs + PROBE_TIMEOUT_MS })
        this.init.emit({ type: 'probe', peer })
      } else if (suspicion.atMs <= nowMs && suspicion.stage === 'probing') {
        this.suspects.delete(peer)
      } else if (suspicion.atMs <= nowMs && gone.length < MAX_GONE) {
        gone.push({ peer, seq: known.seq })
      }
    }
    if (gone.length > 0) {
      this.say(gone, nowMs)
    }
  }

  nextTimeoutMs (): number {
    return [...this.suspects.values()].reduce((next, { atMs }) => Math.min(next, atMs), Infinity)
  }

  private say (gone: Array<{ peer: string, seq: number }>, nowMs: number): void {
    this.said ??= new TokenBucket({ ratePerSecond: SAID_PER_MINUTE / 60, burst: SAID_PER_MINUTE }, nowMs)
    if (!this.said.take(1, nowMs)) {
      const waitMs = this.said.waitMs(1, nowMs)
      gone.forEach(({ peer }) => this.suspects.set(peer, { stage: 'certain', atMs: nowMs + waitMs }))
      return
    }
    for (const { peer } of gone) {
      this.suspects.delete(peer)
      this.told.set(peer, nowMs)
    }
    this.init.onGone(gone, nowMs)
  }

  private upTo (ms: number): number {
    return randomFloat(this.init.random) * ms
  }
}
