/** Keeps what is known of this peer's NAT: asks STUN servers at the start, now and then, and when its own addresses have changed. */
import { deadline } from '@skein/core'
import type { Cancel, Clock } from '@skein/core'
import type { NatVerdict } from '@skein/reachability'

export interface NatWatchInit {
  /** The servers that may be asked now, multiaddr texts */
  servers: () => readonly string[]
  /** Tells the mapping before the filtering is known; `undefined` when what they saw does not tell */
  ask: (servers: readonly string[], signal: AbortSignal, onMapped: (verdict: NatVerdict | undefined) => void) => Promise<NatVerdict | undefined>
  /** Told when the verdict is another one */
  onChange: () => void
  clock: Clock
}

const ASK_INTERVAL_MS = 600_000
/** While no server is known, or nothing follows from what was seen, ms. */
const RETRY_INTERVAL_MS = 5_000
const FRUITLESS_INTERVAL_MS = 60_000
/** Two questions lie this far apart at least, however often addresses change, ms. */
const MIN_INTERVAL_MS = 10_000
const ASK_TIMEOUT_MS = 60_000
/** The mapping is known some round trips after the start, or a server is silent. */
const SETTLE_MS = 1_500

export class NatWatch {
  private readonly init: NatWatchInit
  private readonly shutdown = new AbortController()
  private verdict: NatVerdict | undefined
  private cancel: Cancel | undefined
  private isAsking = false
  private isStale = false
  private askedMs = -Infinity
  private readonly mapped = Promise.withResolvers<void>()

  /** When the mapping is known, or as much time has passed since the start as is worth waiting for it; never rejects. */
  readonly settled: Promise<void> = this.mapped.promise

  constructor (init: NatWatchInit) {
    this.init = init
  }

  get nat (): NatVerdict | undefined {
    return this.verdict
  }

  start (): void {
    const { clock } = this.init
    clock.schedule(clock.nowMs() + SETTLE_MS, () => { this.mapped.resolve() })
    void this.look()
  }

  stop (): void {
    this.shutdown.abort(new Error('This peer is stopping'))
    this.mapped.resolve()
    this.cancel?.()
  }

  /** This peer's addresses are others: what was seen may be true no more. */
  onAddressesChanged (): void {
    this.isStale = true
    if (!this.isAsking) {
      this.again(Math.max(0, this.askedMs + MIN_INTERVAL_MS - this.init.clock.nowMs()))
    }
  }

  private again (afterMs: number): void {
    const { clock } = this.init
    this.cancel?.()
    if (!this.shutdown.signal.aborted) {
      this.cancel = clock.schedule(clock.nowMs() + afterMs, () => { void this.look() })
    }
  }

  private async look (): Promise<void> {
    const { clock } = this.init
    const servers = this.init.servers()
    if (servers.length === 0) {
      this.again(RETRY_INTERVAL_MS)
      return
    }
    this.isAsking = true
    this.isStale = false
    this.askedMs = clock.nowMs()
    const limit = deadline(clock, ASK_TIMEOUT_MS, [this.shutdown.signal])
    let isKnown = false
    try {
      const verdict = await this.init.ask(servers, limit.signal, mapped => { this.onMapped(mapped) })
      isKnown = verdict !== undefined
      this.learn(verdict)
    } catch {
      // asked again later; what was known stands
    } finally {
      limit.clear()
      this.isAsking = false
    }
    this.again(this.isStale ? MIN_INTERVAL_MS : isKnown ? ASK_INTERVAL_MS : FRUITLESS_INTERVAL_MS)
  }

  private onMapped (mapped: NatVerdict | undefined): void {
    // a mapping as before says nothing new: the filtering that was known stands until another is
    if (mapped !== undefined && !isSame({ ...this.verdict, ...mapped }, this.verdict)) {
      this.learn(mapped)
    }
    this.mapped.resolve()
  }

  private learn (verdict: NatVerdict | undefined): void {
    if (verdict !== undefined && !isSame(verdict, this.verdict)) {
      this.verdict = verdict
      this.init.onChange()
    }
  }
}

function isSame (a: NatVerdict | undefined, b: NatVerdict | undefined): boolean {
  return a?.mapping === b?.mapping && a?.filtering === b?.filtering && a?.publicAddress === b?.publicAddress
}
