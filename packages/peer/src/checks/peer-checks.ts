/** What a peer finds out about others while it calls them: how fast they answer, and whether they answer alike. */
import { AnswerTimer } from '@skein/reputation'
import { AnswerSpeeds } from './answer-speeds.ts'
import { DuplicateChecks } from './duplicate-checks.ts'
import { timeEvent } from './timed-event.ts'
import type { Clock, Random } from '@skein/core'
import type { InferenceEvent, InferenceRequest } from '@skein/inference'
import type { Offer } from '@skein/records'
import type { OfferFilter } from '@skein/routing'
import type { NetworkLookup } from '../trust/network-lookup.ts'
import type { PeerTrust } from '../trust/peer-trust.ts'
import type { MeasuredSpeed } from './answer-speeds.ts'
import type { CheckOptions } from './check-options.ts'
import type { ComparedText } from './comparable-answer.ts'
import type { CheckOutcome } from './duplicate-checks.ts'

export type FindOffers = (filter: OfferFilter, signal: AbortSignal) => AsyncIterable<Offer>
/** Asks one provider, with nobody to go on to */
export type AskProvider = (offer: Offer, request: InferenceRequest, options: AskLimits) => AsyncIterable<InferenceEvent>

export interface AskLimits {
  signal: AbortSignal
  timeoutMs: number
  firstDeltaTimeoutMs: number
}

export interface PeerChecksInit {
  options: false | CheckOptions
  trust: PeerTrust
  networkOf: NetworkLookup
  clock: Clock
  random: Random
  self: string
  find: FindOffers
  ask: AskProvider
  onOutcome: (outcome: CheckOutcome) => void
}

/** Those who are compared need not be as fast as those who are waited for. */
const ASK_LIMITS = { timeoutMs: 120_000, firstDeltaTimeoutMs: 20_000 }
/** A reader who takes longer than this share of the time is what is slow. */
const MOST_READER_SHARE = 0.5

export class PeerChecks {
  private readonly init: PeerChecksInit
  private readonly speeds = new AnswerSpeeds()
  private readonly duplicates?: DuplicateChecks

  constructor (init: PeerChecksInit) {
    this.init = init
    const { options, trust: { ledger }, clock, random, self, find, ask, onOutcome } = init
    if (options !== false && options.duplicates !== false) {
      this.duplicates = new DuplicateChecks({
        ...options.duplicates,
        ledger, clock, random, self, onOutcome,
        find: ({ model }, { task }, signal) => find({ model, task }, signal),
        ask: (offer, request, signal) => ask(offer, request, { ...ASK_LIMITS, signal }),
        networkOf: offer => this.networkOf(offer)
      })
    }
  }

  /** How fast a provider really answered this peer; `undefined` when it did not lately. */
  measuredSpeed (peer: string, model: string): MeasuredSpeed | undefined {
    return this.speeds.of(peer, model)
  }

  /** Looks on while an answer is read; `isPrivate`: it is not compared. Adds nothing to what its reader waits for. */
  watch (
    answer: AsyncIterable<InferenceEvent>, offer: Offer, request: InferenceRequest, isPrivate: boolean
  ): AsyncIterable<InferenceEvent> {
    const { options, self } = this.init
    if (options === false || offer.peer === self || request.task === 'embedding' || request.from !== undefined) {
      return answer
    }
    return this.watched(answer, offer, request, isPrivate ? undefined : this.duplicates?.draw(offer, request))
  }

  stop (): void {
    this.duplicates?.stop()
  }

  private async * watched (
    answer: AsyncIterable<InferenceEvent>, offer: Offer, request: InferenceRequest, compared: ComparedText | undefined
  ): AsyncGenerator<InferenceEvent, void, undefined> {
    const { clock } = this.init
    const startMs = clock.nowMs()
    const timer = new AnswerTimer(startMs)
    let readerMs = 0
    let pieces = 0
    for await (const event of answer) {
      const nowMs = clock.nowMs()
      timeEvent(timer, event, nowMs)
      compared?.onEvent(event)
      pieces += event.type === 'delta' ? 1 : 0
      yield event
      readerMs += clock.nowMs() - nowMs
    }
    const endMs = clock.nowMs()
    const speed = timer.end(endMs)
    if (speed !== undefined && readerMs <= MOST_READER_SHARE * (endMs - startMs)) {
      this.speeds.onAnswer(offer.peer, offer.model, speed)
    }
    if (compared !== undefined) {
      this.duplicates?.onAnswer(offer, request, compared, pieces)
    }
  }

  /** The network a provider was seen in; else the one its offer names, where it would be dialled. */
  private networkOf ({ peer, addresses }: Offer): string | undefined {
    const { trust, networkOf } = this.init
    const network = trust.networkOf(peer) ?? addresses.map(networkOf).find(found => found !== undefined)
    return network === undefined ? undefined : network.system === undefined ? network.wide : `AS${network.system}`
  }
}
