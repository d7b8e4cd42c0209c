/** The offers a call has in hand: filled by a lookup in the background, emptied by attempts. */
import { deadline } from '@skein/core'
import type { Clock } from '@skein/core'
import type { Offer } from '@skein/records'

/** An offer, and whether this peer knew it before it asked. */
export interface PooledOffer {
  offer: Offer
  fromCache: boolean
}

/** Most offers one call considers. */
const MAX_OFFERS = 64

/** Through the generators that an offer passes it takes about a dozen turns, which is a few microseconds. */
const QUIET_TURNS = 64

export class OfferPool {
  private readonly untried = new Map<string, PooledOffer>()
  /** By peer: the offer by which it was asked last */
  private readonly tried = new Map<string, Offer>()
  private readonly controller = new AbortController()
  private hunger?: PromiseWithResolvers<void>
  private ended = false
  private failure: unknown
  private wake = Promise.withResolvers<void>()

  /**
   * `find` is started at once and aborted by `close`.
   *
   * @param find may wait for `hungry()` before a search that costs something: it resolves when what came so far is not enough, or with `close`
   */
  constructor (find: (signal: AbortSignal, hungry: () => Promise<void>) => AsyncIterable<PooledOffer>) {
    void this.fill(find)
  }

  get untriedOffers (): PooledOffer[] {
    return [...this.untried.values()]
  }

  get triedCount (): number {
    return this.tried.size
  }

  /** No more offers will come. */
  get complete (): boolean {
    return this.ended
  }

  /** Why the lookup ended early, if it did. */
  get lookupFailure (): unknown {
    return this.failure
  }

  take (peer: string): void {
    const taken = this.untried.get(peer)
    if (taken !== undefined) {
      this.untried.delete(peer)
      this.tried.set(peer, taken.offer)
    }
  }

  /** Resolves when all that is known without asking anybody is in: it comes one offer after the other, each in a few turns of the microtask queue. */
  async known (): Promise<void> {
    for (let quiet = 0, seen = this.untried.size; quiet < QUIET_TURNS && !this.ended; quiet++) {
      await Promise.resolve() // the next turn
      if (this.untried.size !== seen) {
        seen = this.untried.size
        quiet = 0
      }
    }
  }

  /** Resolves when another offer is in, the lookup has ended, or after `maxMs`; rejects when the signal fires. */
  async more (clock: Clock, signal: AbortSignal, maxMs?: number): Promise<void> {
    if (this.ended) {
      return
    }
    this.hunger?.resolve()
    const limit = deadline(clock, maxMs, [signal])
    try {
      await Promise.race([
        this.wake.promise,
        new Promise<void>(resolve => { limit.signal.addEventListener('abort', () => { resolve() }, { once: true }) })
      ])
      signal.throwIfAborted()
    } finally {
      limit.clear()
    }
  }

  close (): void {
    this.controller.abort()
    this.hunger?.resolve()
  }

  private async fill (find: (signal: AbortSignal, hungry: () => Promise<void>) => AsyncIterable<PooledOffer>): Promise<void> {
    try {
      for await (const found of find(this.controller.signal, async () => { await this.whenHungry() })) {
        if (this.isNews(found.offer)) {
          this.untried.set(found.offer.peer, found)
          this.notify()
        }
        if (this.controller.signal.aborted || this.untried.size + this.tried.size >= MAX_OFFERS) {
          break
        }
      }
    } catch (error) {
      this.failure = error
    } finally {
      this.ended = true
      this.notify()
    }
  }

  /** One that was asked is news again where it has come to other addresses. */
  private isNews ({ peer, seq, addresses }: Offer): boolean {
    const tried = this.tried.get(peer)
    return tried === undefined || (seq > tried.seq && addresses.join() !== tried.addresses.join())
  }

  private async whenHungry (): Promise<void> {
    if (!this.controller.signal.aborted) {
      this.hunger = Promise.withResolvers<void>()
      // whoever waits for more began to before all was in: it looks at what there is, and asks again
      this.notify()
      await this.hunger.promise
    }
  }

  private notify (): void {
    const { resolve } = this.wake
    this.wake = Promise.withResolvers<void>()
    resolve()
  }
}
