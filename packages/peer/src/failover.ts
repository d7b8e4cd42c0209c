/**
 * One request and however many providers it takes: before the first content a failure moves on to the next offer; after it, only where the caller
 * agreed and the model is deterministic, by replaying what was already delivered on another peer. Where an answer broke off because of the way to a
 * provider, that one is asked again, over another way, when there is nobody else.
 */
import { deadline, sleep } from '@skein/core'
import { InferenceError } from '@skein/inference'
import { AskedAgain } from './asked-again.ts'
import { asInferenceError, withCall } from './call-failure.ts'
import { OfferPool } from './offer-pool.ts'
import { isReachedThroughRelay, rankOffers } from './ranking.ts'
import { ReplayedPrefix } from './replayed-prefix.ts'
import type { CoolDown } from './cool-down.ts'
import type { PooledOffer } from './offer-pool.ts'
import type { CallOptions, CallRoute, ModelCall } from './openai/model-caller.ts'
import type { ProviderCallOptions } from './provider-call.ts'
import type { PathKind, ProviderView } from './ranking.ts'
import type { Clock, Random } from '@skein/core'
import type { InferenceEvent, InferenceRequest } from '@skein/inference'
import type { Offer } from '@skein/records'

export interface FailoverOptions extends CallOptions {
  /**
   * The whole answer must be there within this time, over all attempts, ms.
   *
   * @default 600_000
   */
  timeoutMs?: number
  /**
   * A provider that has sent no content within this time is given up for the next, ms.
   *
   * @default 8_000
   */
  firstDeltaTimeoutMs?: number
  /**
   * Most providers tried. Those that could not be reached do not count, of whom eight are tried besides: offers live on for two minutes when a device
   * is switched off.
   *
   * @default 4
   */
  maxAttempts?: number
  /**
   * When a provider of a deterministic model fails in mid-answer, ask another for the same answer, or the same one over another path, and go on where
   * the first stopped. Costs the tokens twice. Without it such a failure is the caller's to handle.
   *
   * @default true
   */
  resume?: boolean
  /**
   * `false`: the request is nobody's business but that of the one who answers it, and is never sent to a second provider to compare the answers.
   *
   * @default as `createPeer` was told: now and then, for deterministic models
   */
  checks?: false
  /** Only offers at or below this price, millionths of a US dollar for a million generated tokens */
  maxPriceMicros?: number
  /** Only offers of this tier or better (1 is the best) */
  minTier?: number
}

/** What a call needs of the world. */
export interface FailoverWorld {
  clock: Clock
  random: Random
  region: string
  coolDown: CoolDown
  /** Enough has come through relays lately @default it has not */
  isBudgetSpent?: () => boolean
  /** This peer reaches addresses of IPv6 @default it is not known */
  hasIPv6?: () => boolean | undefined
  /** A relay carried the answer; these offered the same and were not asked */
  onRelayed?: (others: Offer[]) => void
  /** `hungry()` resolves when what it gave so far is not enough */
  find: (request: InferenceRequest, options: FailoverOptions, signal: AbortSignal, hungry: () => Promise<void>) => AsyncIterable<PooledOffer>
  view: (peer: string) => ProviderView
  /** Asks one provider; `path()` tells how it is connected once events come */
  ask: (offer: Offer, request: InferenceRequest, options: ProviderCallOptions) => AsyncIterable<InferenceEvent> & { path: () => PathKind }
  /** An attempt has ended; `error` is left out when it delivered */
  onAttempt?: (attempt: { model: string, peer: string, attempt: number, deltas: number, error?: InferenceError }) => void
}

/** How long a call waits for a second and third offer to compare, once it has a first from the network, ms. */
const COMPARE_MS = 10
/** … and for one that is reached directly, where enough has come through relays: a lookup takes some round trips, ms. */
const UNRELAYED_MS = 250
/** Providers that could not be reached, besides those that count. */
const MAX_UNREACHED = 8
/** Enough offers to choose among. */
const ENOUGH_OFFERS = 3

/** Starts a call when it is iterated. */
export function callModel (world: FailoverWorld, request: InferenceRequest, options: FailoverOptions = {}): ModelCall {
  const route = Promise.withResolvers<CallRoute>()
  route.promise.catch(() => {}) // whoever iterates sees the same error
  return {
    route: route.promise,
    [Symbol.asyncIterator]: () => run(world, request, options, route)
  }
}

async function * run (
  world: FailoverWorld, request: InferenceRequest, options: FailoverOptions, route: PromiseWithResolvers<CallRoute>
): AsyncGenerator<InferenceEvent, void, undefined> {
  const timeoutMs = options.timeoutMs ?? 600_000
  const limit = deadline(world.clock, timeoutMs, [options.signal])
  const endsMs = world.clock.nowMs() + timeoutMs
  const call = new Call(world, request, options, limit.signal)

  try {
    for (;;) {
      const offer = await call.nextOffer()
      try {
        yield * call.attempt(offer, endsMs, route)
        return
      } catch (error) {
        call.onFailure(offer, asInferenceError(error, limit.signal, options.signal))
      }
    }
  } catch (error) {
    const failure = asInferenceError(error, limit.signal, options.signal)
    route.reject(failure)
    throw failure
  } finally {
    limit.clear()
    call.close()
  }
}

/** The state of one call over its attempts. */
class Call {
  private readonly world: FailoverWorld
  private readonly request: InferenceRequest
  private readonly options: FailoverOptions
  private readonly signal: AbortSignal
  private readonly pool: OfferPool
  private readonly delivered = new ReplayedPrefix()
  private readonly again = new AskedAgain()
  private lastError?: InferenceError
  private soonestRetryMs?: number
  private contextTokens?: number
  private attempts = 0
  /** Providers to which no attempt came through */
  private readonly unreached = new Set<string>()
  /** Something came in the last attempt */
  private isReached = false

  constructor (world: FailoverWorld, request: InferenceRequest, options: FailoverOptions, signal: AbortSignal) {
    this.world = world
    this.request = request
    this.options = options
    this.signal = signal
    this.pool = new OfferPool((signal, hungry) => world.find(request, options, signal, hungry))
  }

  close (): void {
    this.pool.close()
  }

  /** The best offer not tried yet; waits for the lookup as long as it may bring one. Throws when there is none left. */
  async nextOffer (): Promise<Offer> {
    for (;;) {
      this.signal.throwIfAborted()
      if (this.attempts === 0) {
        await this.pool.known()
        this.signal.throwIfAborted()
      }
      const usable = this.usable()
      const isEnough = this.pool.triedCount - this.unreached.size >= (this.options.maxAttempts ?? 4) || this.unreached.size > MAX_UNREACHED
      if (usable.length > 0 && !isEnough) {
        if (this.attempts === 0 && usable.length < ENOUGH_OFFERS && !usable.some(({ fromCache }) => fromCache)) {
          await this.compare(COMPARE_MS, () => this.pool.untriedOffers.length >= ENOUGH_OFFERS)
        }
        if (this.world.isBudgetSpent?.() === true) {
          await this.compare(UNRELAYED_MS, () => this.usable().some(({ offer }) =>
            !isReachedThroughRelay(offer, this.world.view(offer.peer), this.world.hasIPv6?.())))
        }
        const [best] = rankOffers(this.usable().map(({ offer }) => offer), {
          region: this.world.region,
          nowMs: this.world.clock.nowMs(),
          random: this.world.random,
          contextTokens: this.contextTokens,
          isBudgetSpent: this.world.isBudgetSpent?.(),
          hasIPv6: this.world.hasIPv6?.(),
          view: peer => ({
            ...this.world.view(peer),
            coolUntilMs: this.world.coolDown.untilMs(peer, this.request.model, this.world.clock.nowMs())
          })
        })
        if (best != null) {
          this.pool.take(best.offer.peer)
          return best.offer
        }
      }
      const nowMs = this.world.clock.nowMs()
      const same = this.again.next()
      if (same !== undefined && (same.dueMs <= nowMs || this.pool.complete || isEnough)) {
        await sleep(this.world.clock, Math.max(0, same.dueMs - nowMs), { signal: this.signal })
        this.again.take()
        return same.offer
      }
      if (this.pool.complete || isEnough) {
        throw this.exhausted()
      }
      await this.pool.more(this.world.clock, this.signal, same === undefined ? undefined : same.dueMs - nowMs)
    }
  }

  async * attempt (offer: Offer, endsMs: number, route: PromiseWithResolvers<CallRoute>): AsyncGenerator<InferenceEvent, void, undefined> {
    this.attempts++
    this.isReached = false
    this.delivered.onRestart()
    const from = this.delivered.continuation
    const asked = this.world.ask(offer, from === undefined ? this.request : { ...this.request, from }, {
      signal: this.signal,
      timeoutMs: Math.max(1, endsMs - this.world.clock.nowMs()),
      firstDeltaTimeoutMs: this.options.firstDeltaTimeoutMs ?? 8_000,
      resumable: () => this.isResumable(offer)
    })
    let head: InferenceEvent | undefined

    for await (const event of asked) {
      this.isReached = true
      this.unreached.delete(offer.peer)
      if (event.type === 'head') {
        if (event.continued !== undefined) {
          this.delivered.onContinued(event.continued)
        } else {
          // a provider that fails before its first content must leave no trace in the answer
          head = event
        }
        continue
      }
      const fresh = this.delivered.onEvent(event)
      if (fresh == null) {
        continue
      }
      route.resolve({ peer: offer.peer, path: asked.path(), attempts: this.attempts })
      if (head != null && !this.delivered.headGiven) {
        this.delivered.headGiven = true
        yield head
      }
      yield fresh
    }
    this.delivered.onEnd()
    route.resolve({ peer: offer.peer, path: asked.path(), attempts: this.attempts })
    this.world.coolDown.onDelivered(offer.peer, this.request.model)
    this.world.onAttempt?.({ model: this.request.model, peer: offer.peer, attempt: this.attempts, deltas: this.delivered.count })
    if (asked.path() === 'relayed') {
      this.world.onRelayed?.(this.usable().map(({ offer }) => offer))
    }
  }

  /** Takes note of a failed attempt; throws when there must not be another. */
  onFailure (offer: Offer, error: InferenceError): void {
    const nowMs = this.world.clock.nowMs()
    this.world.onAttempt?.({ model: this.request.model, peer: offer.peer, attempt: this.attempts, deltas: this.delivered.count, error })
    const failure = withCall(error, offer.peer, this.delivered.count)
    if (error.code === 'connection_failed' && !this.isReached) {
      this.unreached.add(offer.peer)
    }

    if (error.code === 'cancelled' || error.code === 'deadline_exceeded' || !error.retryable) {
      throw failure
    }
    if (error.code === 'context_length_exceeded') {
      this.contextTokens = Math.max(this.contextTokens ?? 0, (error.contextTokens ?? 0) + 1)
    } else if (error.code !== 'relay_limit') {
      this.world.coolDown.onFailed(offer.peer, this.request.model, nowMs, error.code === 'busy' ? error.retryAfterMs ?? 1_000 : undefined)
    }
    if (error.code === 'busy') {
      this.soonestRetryMs = Math.min(this.soonestRetryMs ?? Infinity, error.retryAfterMs ?? 1_000)
    }
    // what says most about the request is worth keeping over what says only that one peer was away
    if (this.lastError == null || this.lastError.code !== 'context_length_exceeded' || error.code === 'context_length_exceeded') {
      this.lastError = failure
    }
    if (this.delivered.count > 0 && !this.isResumable(offer)) {
      throw failure
    }
    this.again.onFailed(offer, error.code, this.delivered.count, nowMs)
  }

  /** What was given of an answer can be had again. */
  private isResumable ({ deterministic }: Offer): boolean {
    return this.options.resume !== false && deterministic && this.delivered.replayable
  }

  private usable (): PooledOffer[] {
    return this.pool.untriedOffers.filter(({ offer }) =>
      (this.delivered.count === 0 || offer.deterministic) &&
      (this.contextTokens == null || offer.effectiveContext === 0 || offer.effectiveContext >= this.contextTokens))
  }

  /** Waits for further offers. */
  private async compare (maxMs: number, isEnough: () => boolean): Promise<void> {
    const untilMs = this.world.clock.nowMs() + maxMs
    while (!this.pool.complete && !isEnough()) {
      const leftMs = untilMs - this.world.clock.nowMs()
      if (leftMs <= 0) {
        return
      }
      await this.pool.more(this.world.clock, this.signal, leftMs)
    }
  }

  private exhausted (): InferenceError {
    const { lastError } = this
    if (lastError == null) {
      const terms = this.options.maxPriceMicros != null || this.options.minTier != null ? ' on these terms' : ''
      return new InferenceError('no_provider', `No peer offers ${this.request.model} now${terms}`, { cause: this.pool.lookupFailure })
    }
    if (this.soonestRetryMs != null && lastError.code !== 'context_length_exceeded') {
      const message = `All ${this.attempts} providers tried for ${this.request.model} are busy or failing; the last said: ${lastError.message}`
      return new InferenceError('busy', message, {
        retryAfterMs: this.soonestRetryMs,
        deltas: this.delivered.count,
        peer: lastError.peer,
        cause: lastError
      })
    }
    return lastError
  }
}
