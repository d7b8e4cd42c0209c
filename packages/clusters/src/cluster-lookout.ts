/** How a peer whose cluster may be none any more finds where the others are: it asks those that know the zone. */
import { randomFloat } from '@skein/core'
import type { EmitClusterEffect } from './cluster-effect.ts'
import type { Random } from '@skein/core'

export interface ClusterLookoutInit {
  /** The zone */
  scope: string
  random: Random
  emit: EmitClusterEffect
}

const FIRST_PAUSE_MS = 30_000
const LONGEST_PAUSE_MS = 600_000
/** Of those that were found, so many are asked. */
const MAX_ASKED = 2
/** What is found later was sought for something else. */
const FOUND_WITHIN_MS = 30_000

export class ClusterLookout {
  readonly scope: string
  private readonly init: ClusterLookoutInit
  private pauseMs = FIRST_PAUSE_MS
  private atMs: number
  private soughtMs = -Infinity
  private asked = 0

  constructor (init: ClusterLookoutInit, nowMs: number) {
    this.init = init
    this.scope = init.scope
    this.atMs = nowMs + this.drawMs()
  }

  /** Whether one that was found is to be asked. */
  isAsking (nowMs: number): boolean {
    return nowMs - this.soughtMs < FOUND_WITHIN_MS && ++this.asked <= MAX_ASKED
  }

  onTimeout (isLost: boolean, nowMs: number): void {
    if (this.atMs > nowMs) {
      return
    }
    if (isLost) {
      this.soughtMs = nowMs
      this.asked = 0
      this.pauseMs = Math.min(LONGEST_PAUSE_MS, this.pauseMs * 2)
      this.init.emit({ type: 'seek', scope: this.scope })
    } else {
      this.pauseMs = FIRST_PAUSE_MS
    }
    this.atMs = nowMs + this.drawMs()
  }

  nextTimeoutMs (): number {
    return this.atMs
  }

  private drawMs (): number {
    return this.pauseMs * (0.75 + randomFloat(this.init.random) / 2)
  }
}
