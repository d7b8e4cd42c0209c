/** Who failed lately, per peer and model: such a peer rests, longer each time, and goes last meanwhile. */
import { BoundedMap } from '@skein/core'

export interface CoolDownInit {
  /** @default 1_000 */
  firstMs?: number
  /** @default 60_000 */
  maxMs?: number
  /** Most pairs remembered; the oldest makes room @default 4_096 */
  maxEntries?: number
}

interface Rest {
  failures: number
  untilMs: number
}

export class CoolDown {
  private readonly firstMs: number
  private readonly maxMs: number
  private readonly rests: BoundedMap<string, Rest>

  constructor (init: CoolDownInit = {}) {
    this.firstMs = init.firstMs ?? 1_000
    this.maxMs = init.maxMs ?? 60_000
    this.rests = new BoundedMap({ maxSize: init.maxEntries ?? 4_096 })
  }

  /** It failed: rests for 1, 2, 4 … s; or for as long as it asked for, which says nothing against it. */
  onFailed (peer: string, model: string, nowMs: number, askedMs?: number): void {
    const key = `${peer} ${model}`
    const failures = (this.rests.get(key)?.failures ?? 0) + (askedMs == null ? 1 : 0)
    const restMs = askedMs ?? this.firstMs * 2 ** Math.min(failures - 1, 30)
    this.rests.set(key, { failures, untilMs: nowMs + Math.min(restMs, this.maxMs) })
  }

  onDelivered (peer: string, model: string): void {
    this.rests.delete(`${peer} ${model}`)
  }

  untilMs (peer: string, model: string, nowMs: number): number | undefined {
    const rest = this.rests.get(`${peer} ${model}`)
    return rest != null && rest.untilMs > nowMs ? rest.untilMs : undefined
  }
}
