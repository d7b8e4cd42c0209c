/** Whose connection a seed closes, and when: at a stage that lets newcomers go, each of them once it has joined. */
import { TimerTable } from '@skein/core'
import { letGoAtMs } from './newcomer-plan.ts'
import type { Machine } from '@skein/core'
import type { LetGoRule, Newcomer } from './newcomer-plan.ts'

export type FarewellEffect = { type: 'close', peer: string }

export interface FarewellsInit extends LetGoRule {
  /**
   * Most peers watched; what connects beyond it is left to the limits of the connection manager.
   *
   * @default 16_384
   */
  maxPeers?: number
}

/** A peer that was told to go and is still there is told again after this, ms. */
const AGAIN_MS = 30_000

export class Farewells implements Machine<FarewellEffect> {
  private readonly init: FarewellsInit
  private readonly maxPeers: number
  private readonly newcomers = new Map<string, Newcomer>()
  private readonly timers = new TimerTable<string>()
  private readonly effects: FarewellEffect[] = []
  private lettingGo = false

  constructor (init: FarewellsInit = {}) {
    this.init = init
    this.maxPeers = init.maxPeers ?? 16_384
  }

  get watched (): number {
    return this.newcomers.size
  }

  /** The stage changed. Whoever has been here for long goes at once; a settling time spreads nothing here, closing is cheap. */
  onLettingGo (lettingGo: boolean, nowMs: number): void {
    this.lettingGo = lettingGo
    for (const peer of this.newcomers.keys()) {
      this.arm(peer)
    }
    this.onTimeout(nowMs)
  }

  /** A peer dialled this seed. */
  onConnected (peer: string, nowMs: number): void {
    if (!this.newcomers.has(peer) && this.newcomers.size < this.maxPeers) {
      this.newcomers.set(peer, { connectedMs: nowMs, registered: false, otherConnections: 0 })
      this.arm(peer)
    }
  }

  /** Its request was answered. */
  onAnswered (peer: string, answer: Pick<Newcomer, 'registered' | 'otherConnections'>, nowMs: number): void {
    const newcomer = this.newcomers.get(peer)
    if (newcomer !== undefined) {
      newcomer.registered ||= answer.registered
      newcomer.otherConnections = answer.otherConnections
      newcomer.answeredMs = nowMs
      this.arm(peer)
    }
  }

  onDisconnected (peer: string): void {
    this.newcomers.delete(peer)
    this.timers.delete(peer)
  }

  onTimeout (nowMs: number): void {
    for (let peer = this.timers.popDue(nowMs); peer !== undefined; peer = this.timers.popDue(nowMs)) {
      this.effects.push({ type: 'close', peer })
      this.timers.set(peer, nowMs + AGAIN_MS)
    }
  }

  poll (): FarewellEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.timers.nextMs()
  }

  private arm (peer: string): void {
    if (this.lettingGo) {
      this.timers.set(peer, letGoAtMs(this.newcomers.get(peer) as Newcomer, this.init))
    } else {
      this.timers.delete(peer)
    }
  }
}
