/** What a peer finds out about others by itself: how fast they answer, whether they answer alike, what they can do when they are measured. */
import { deadline } from '@skein/core'
import { InferenceError } from '@skein/inference'
import { AnswerTimer, evidenceOfClaims, HONESTY_SERVICE, judgeClaims, tokenMeasurement } from '@skein/reputation'
import { AnswerSpeeds } from './answer-speeds.ts'
import { DuplicateChecks } from './duplicate-checks.ts'
import { checkSpeed } from './speed-check.ts'
import { timeEvent } from './timed-event.ts'
import type { Clock, Random } from '@skein/core'
import type { InferenceEvent, InferenceRequest } from '@skein/inference'
import type { Offer } from '@skein/records'
import type { CapabilityClaims, CapabilityMeasurement, ClaimJudgement } from '@skein/reputation'
import type { CapabilityError, CapabilityService } from '@skein/reputation/libp2p'
import type { OfferFilter } from '@skein/routing'
import type { NetworkLookup } from '../trust/network-lookup.ts'
import type { PeerTrust } from '../trust/peer-trust.ts'
import type { MeasuredSpeed } from './answer-speeds.ts'
import type { CheckOptions } from './check-options.ts'
import type { ComparedText } from './comparable-answer.ts'
import type { CheckOutcome } from './duplicate-checks.ts'

export interface PeerChecksInit {
  options: false | CheckOptions
  /** Not there in a browser */
  capability?: CapabilityService
  trust: PeerTrust
  networkOf: NetworkLookup
  clock: Clock
  random: Random
  self: string
  find: (filter: OfferFilter, signal: AbortSignal) => AsyncIterable<Offer>
  ask: (offer: Offer, request: InferenceRequest, options: { signal: AbortSignal, timeoutMs: number, firstDeltaTimeoutMs: number }) =>
    AsyncIterable<InferenceEvent>
  onOutcome: (outcome: CheckOutcome) => void
}

export interface MeasureOptions {
  /**
   * Size of the buffer the peer is asked to fill, bytes: a power of two from 64 MiB to 4 GiB. 0 leaves memory out.
   *
   * @default 268_435_456
   */
  memoryBytes?: number
  /** A model that it serves, to be timed; left out, no tokens are */
  model?: string
  /** What it says of itself, to be compared; the speed of the model is taken from its offer */
  claims?: CapabilityClaims
  signal?: AbortSignal
}

export interface PeerMeasurement extends CapabilityMeasurement {
  /** What of its claims could be tested, and how they came out */
  judgements: ClaimJudgement[]
  /** Why its memory was not measured, when only the model was */
  memoryProblem?: CapabilityError
}

const DEFAULT_MEMORY_BYTES = 256 * 1024 * 1024
/** A check is given up by then; those who are compared need not be as fast as those who are waited for. */
const ASK_LIMITS = { timeoutMs: 120_000, firstDeltaTimeoutMs: 20_000 }
const FIND_TIMEOUT_MS = 10_000
/** A reader who takes longer than this share of the time is what is slow. */
const MOST_READER_SHARE = 0.5

export class PeerChecks {
  private readonly init: PeerChecksInit
  private readonly speeds = new AnswerSpeeds()
  private readonly duplicates?: DuplicateChecks

  constructor (init: PeerChecksInit) {
    this.init = init
    const { options, trust, clock, random, self, onOutcome } = init
    if (options !== false && options.duplicates !== false) {
      this.duplicates = new DuplicateChecks({
        ...options.duplicates,
        ledger: trust.ledger,
        clock, random, self, onOutcome,
        find: ({ model }, { task }, signal) => init.find({ model, task }, signal),
        ask: (offer, request, signal) => this.ask(offer, request, signal),
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
    if (options === false || offer.peer === self || request.task === 'embedding') {
      return answer
    }
    return this.watched(answer, offer, request, isPrivate ? undefined : this.duplicates?.draw(offer, request))
  }

  /**
   * Measures what a peer can do: its memory by a challenge, the speed of a model by asking it. What comes of claims that were tested goes into the
   * ledger, as `honesty`.
   *
   * @throws {CapabilityError} when memory alone was to be measured, and was not
   * @throws {InferenceError} when the model was to be timed, and was not
   */
  async measure (peer: string, { memoryBytes = DEFAULT_MEMORY_BYTES, model, claims = {}, signal }: MeasureOptions): Promise<PeerMeasurement> {
    const { clock } = this.init
    const measured: CapabilityMeasurement = { peer, atMs: clock.nowMs() }
    let claimed = claims
    if (model !== undefined) {
      const offer = await this.offerOf(peer, model, signal)
      claimed = { tokensPerSecond: offer.tokensPerSecond, queueDepth: offer.queueDepth, ...claims }
      Object.assign(measured, tokenMeasurement(model, await checkSpeed({ ...this.init, ask: this.ask.bind(this) }, offer, signal ?? neverAborted())))
    }
    let memoryProblem: CapabilityError | undefined
    if (memoryBytes > 0) {
      memoryProblem = await this.measureMemory(measured, memoryBytes, signal)
      if (memoryProblem !== undefined && model === undefined) {
        throw memoryProblem
      }
    }
    const judgements = judgeClaims(claimed, measured, memoryBytes)
    this.init.trust.ledger.onEvidence(peer, HONESTY_SERVICE, evidenceOfClaims(judgements), clock.nowMs())
    return { ...measured, judgements, ...memoryProblem === undefined ? {} : { memoryProblem } }
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

  /** `undefined` when it is measured; what the peer opened wrongly is evidence against it. */
  private async measureMemory (
    measured: CapabilityMeasurement, bytes: number, signal: AbortSignal | undefined
  ): Promise<CapabilityError | undefined> {
    const { capability, trust, clock } = this.init
    if (capability === undefined) {
      throw new Error('A browser cannot measure the memory of others: leave it out with { memoryBytes: 0 }')
    }
    try {
      Object.assign(measured, await capability.measureMemory(measured.peer, { bytes, signal }))
      return undefined
    } catch (error) {
      // by its name: the class is not part of a browser's bundle
      if ((error as Error).name !== 'CapabilityError') {
        throw error
      }
      if ((error as CapabilityError).code === 'wrong') {
        trust.ledger.onEvidence(measured.peer, HONESTY_SERVICE, { bad: 1 }, clock.nowMs())
      }
      return error as CapabilityError
    }
  }

  private async offerOf (peer: string, model: string, signal: AbortSignal | undefined): Promise<Offer> {
    const limit = deadline(this.init.clock, FIND_TIMEOUT_MS, [signal])
    try {
      for await (const offer of this.init.find({ model }, limit.signal)) {
        if (offer.peer === peer) {
          return offer
        }
      }
    } finally {
      limit.clear()
    }
    throw new InferenceError('no_provider', `No offer of ${model} by ${peer} was found`)
  }

  private ask (offer: Offer, request: InferenceRequest, signal: AbortSignal): AsyncIterable<InferenceEvent> {
    return this.init.ask(offer, request, { ...ASK_LIMITS, signal })
  }

  /** The network a provider was seen in; else the one its offer names, where it would be dialled. */
  private networkOf ({ peer, addresses }: Offer): string | undefined {
    const { trust, networkOf } = this.init
    const network = trust.networkOf(peer) ?? addresses.map(networkOf).find(found => found !== undefined)
    return network === undefined ? undefined : network.system === undefined ? network.wide : `AS${network.system}`
  }
}

function neverAborted (): AbortSignal {
  return new AbortController().signal
}
