/** Tells a peer's loads to who coordinates its cluster: when they change, when another coordinates, and again before they are forgotten. */
import { randomFloat } from '@skein/core'
import { encodeMessage, tellableLoads } from './cluster-message.ts'
import type { ModelLoad } from './load-table.ts'
import type { Random } from '@skein/core'

export interface LoadTellerInit {
  random: Random
  send: (coordinator: string, bytes: Uint8Array, nowMs: number) => void
  /** It was told twice, and both times in vain */
  onUnreachable: (coordinator: string, nowMs: number) => void
}

/** `LoadTable` forgets after 180 s. */
const REPEAT_MS = 60_000
const REPEAT_SPREAD_MS = 60_000
/** All peers of a cluster tell a new coordinator, each within this. */
const NEW_SPREAD_MS = 2000
/** Between two that differ. */
const PAUSE_MS = 5000
const RETRY_MS = 3000
const RETRY_WITHIN_MS = 30_000

export class LoadTeller {
  private readonly init: LoadTellerInit
  private models: ModelLoad[] = []
  /** A candidate for the seat tells even that it has nothing: so that it is connected to who has it */
  private isCandidate = false
  private hasTold = false
  private coordinator?: string
  private tellAtMs = Infinity
  private toldMs = -Infinity
  private failedMs = -Infinity
  private seq = 0

  constructor (init: LoadTellerInit) {
    this.init = init
  }

  onLoads (models: readonly ModelLoad[], isCandidate: boolean, nowMs: number): void {
    this.models = tellableLoads(models)
    this.isCandidate = isCandidate
    this.tellAtMs = Math.min(this.tellAtMs, Math.max(nowMs, this.toldMs + PAUSE_MS))
  }

  onCoordinator (peer: string | undefined, nowMs: number): void {
    if (peer !== this.coordinator) {
      this.coordinator = peer
      this.failedMs = -Infinity
      this.tellAtMs = nowMs + randomFloat(this.init.random) * NEW_SPREAD_MS
    }
  }

  onSendFailed (peer: string, nowMs: number): void {
    if (peer !== this.coordinator) {
      return
    }
    const isSecond = nowMs - this.failedMs < RETRY_WITHIN_MS
    this.failedMs = nowMs
    this.tellAtMs = nowMs + RETRY_MS
    if (isSecond) {
      this.init.onUnreachable(peer, nowMs)
    }
  }

  onTimeout (nowMs: number): void {
    if (this.coordinator === undefined || this.tellAtMs > nowMs) {
      return
    }
    this.tellAtMs = nowMs + REPEAT_MS + randomFloat(this.init.random) * REPEAT_SPREAD_MS
    if (this.models.length > 0 || this.isCandidate || this.hasTold) {
      this.hasTold = this.models.length > 0
      this.toldMs = nowMs
      this.seq = Math.max(this.seq + 1, Math.floor(nowMs / 1000))
      this.init.send(this.coordinator, encodeMessage({ type: 'load', seq: this.seq, models: this.models }), nowMs)
    }
  }

  nextTimeoutMs (): number {
    return this.coordinator === undefined ? Infinity : this.tellAtMs
  }
}
