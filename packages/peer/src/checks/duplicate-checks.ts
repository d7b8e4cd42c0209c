/**
 * Random duplicate requests: an answer that was delivered is asked for again elsewhere, in the background, and compared. Who stands alone against two
 * has evidence against its honesty. Which requests are compared is drawn before they are sent, and nobody but this peer knows.
 */
import { deadline, randomFloat, TokenBucket } from '@skein/core'
import { evidenceOfDispute, HONESTY_SERVICE, judgeDuplicates, nextDuplicate } from '@skein/reputation'
import { ComparedText, isComparable, isComparableOffer, tokensOf } from './comparable-answer.ts'
import { duplicateShare } from './duplicate-share.ts'
import type { Clock, Random } from '@skein/core'
import type { InferenceEvent, InferenceRequest } from '@skein/inference'
import type { Offer } from '@skein/records'
import type { DisputeVerdict, DuplicateAnswer, ReputationLedger } from '@skein/reputation'
import type { DuplicateOptions } from './check-options.ts'

/** How a comparison ended; in a dispute `odd` is left out when it is not known who is wrong. */
export type CheckOutcome =
  | { type: 'agreed', model: string, providers: string[] }
  | { type: 'disputed', model: string, providers: string[], odd?: string }

export interface DuplicateChecksInit extends DuplicateOptions {
  ledger: ReputationLedger
  clock: Clock
  random: Random
  /** This peer, which is never compared */
  self: string
  /** Others that offer what this one does */
  find: (offer: Offer, request: InferenceRequest, signal: AbortSignal) => AsyncIterable<Offer>
  ask: (offer: Offer, request: InferenceRequest, signal: AbortSignal) => AsyncIterable<InferenceEvent>
  /** One network counts as one voice; `undefined` when it is not known */
  networkOf: (offer: Offer) => string | undefined
  onOutcome: (outcome: CheckOutcome) => void
}

const DEFAULT_SHARE = 0.02
const DEFAULT_TOKENS_PER_HOUR = 20_000
/** Comparisons under way; what is drawn beyond that is not compared. */
const MAX_COMPARING = 2
/** Most offers looked at for one comparison. */
const MAX_CANDIDATES = 16
/** Most providers asked for one, those that fail included. */
const MAX_ASKED = 4
const FIND_TIMEOUT_MS = 10_000

export class DuplicateChecks {
  private readonly init: DuplicateChecksInit
  private readonly share: number
  private readonly budget: TokenBucket
  private readonly stopping = new AbortController()
  private comparing = 0

  constructor (init: DuplicateChecksInit) {
    const { share = DEFAULT_SHARE, tokensPerHour = DEFAULT_TOKENS_PER_HOUR, clock } = init
    this.init = init
    this.share = share
    this.budget = new TokenBucket({ ratePerSecond: tokensPerHour / 3600, burst: tokensPerHour }, clock.nowMs())
  }

  /** Before a request is sent: what takes in its answer if that is to be compared. */
  draw (offer: Offer, request: InferenceRequest): ComparedText | undefined {
    const { ledger, random, clock, self } = this.init
    if (!offer.deterministic || offer.peer === self || !isComparable(request)) {
      return undefined
    }
    const nowMs = clock.nowMs()
    const share = duplicateShare(this.share, {
      score: ledger.score(offer.peer, HONESTY_SERVICE, nowMs),
      newcomer: ledger.newcomerScore(offer.peer, nowMs),
      comparisons: ledger.dealings(offer.peer, HONESTY_SERVICE) ?? 0
    })
    return randomFloat(random) < share ? new ComparedText() : undefined
  }

  /** The answer was delivered, whole. Compares it in the background; never throws. */
  onAnswer (offer: Offer, request: InferenceRequest, text: ComparedText, answerTokens: number): void {
    const digest = text.digest()
    if (digest === undefined || this.comparing >= MAX_COMPARING || this.stopping.signal.aborted) {
      return
    }
    this.comparing++
    this.compare(offer, request, digest, tokensOf(request, answerTokens))
      .catch(() => {}) // who could not be asked is nobody's fault
      .finally(() => { this.comparing-- })
  }

  stop (): void {
    this.stopping.abort(new Error('This peer has been stopped'))
  }

  private async compare (first: Offer, request: InferenceRequest, digest: Uint8Array, tokens: number): Promise<void> {
    const { random, networkOf } = this.init
    const offers = new Map([[first.peer, first]])
    for await (const offer of this.candidates(first, request)) {
      offers.set(offer.peer, offer)
    }
    const networkOfPeer = (peer: string): string | undefined => networkOf(offers.get(peer) as Offer)
    const answers: DuplicateAnswer[] = [{ provider: first.peer, digest }]
    const asked = [first.peer]
    let verdict = judgeDuplicates(answers)
    while (verdict.type === 'ask' && asked.length <= MAX_ASKED) {
      // two in one network may have one owner, and would bear each other out
      const networks = new Set(answers.map(({ provider }) => networkOfPeer(provider)).filter(network => network !== undefined))
      const elsewhere = [...offers.keys()].filter(peer => !networks.has(networkOfPeer(peer) ?? ''))
      const next = nextDuplicate(elsewhere, asked, networkOfPeer, random)
      if (next === undefined || !this.budget.take(tokens, this.init.clock.nowMs())) {
        break
      }
      asked.push(next)
      const answer = await this.answerOf(offers.get(next) as Offer, request)
      if (answer !== undefined) {
        answers.push({ provider: next, digest: answer })
        verdict = judgeDuplicates(answers)
      }
    }
    this.conclude(request.model, verdict, answers)
  }

  private conclude (model: string, verdict: DisputeVerdict, answers: readonly DuplicateAnswer[]): void {
    const { ledger, clock, onOutcome } = this.init
    for (const { peer, ...evidence } of evidenceOfDispute(verdict)) {
      ledger.onEvidence(peer, HONESTY_SERVICE, evidence, clock.nowMs())
    }
    const providers = answers.map(({ provider }) => provider)
    if (verdict.type === 'agreed') {
      onOutcome({ type: 'agreed', model, providers })
    } else if (providers.length > 1) {
      onOutcome({ type: 'disputed', model, providers, ...verdict.type === 'odd-one-out' ? { odd: verdict.odd } : {} })
    }
  }

  private async * candidates (first: Offer, request: InferenceRequest): AsyncGenerator<Offer, void, undefined> {
    const limit = deadline(this.init.clock, FIND_TIMEOUT_MS, [this.stopping.signal])
    let count = 0
    try {
      for await (const offer of this.init.find(first, request, limit.signal)) {
        if (offer.peer !== this.init.self && offer.peer !== first.peer && isComparableOffer(first, offer)) {
          yield offer
          if (++count >= MAX_CANDIDATES) {
            return
          }
        }
      }
    } catch {
      this.stopping.signal.throwIfAborted() // else those found in time will do
    } finally {
      limit.clear()
    }
  }

  /** `undefined` when it gave no answer, or none that can be compared. */
  private async answerOf (offer: Offer, request: InferenceRequest): Promise<Uint8Array | undefined> {
    const text = new ComparedText()
    try {
      for await (const event of this.init.ask(offer, request, this.stopping.signal)) {
        text.onEvent(event)
      }
      return text.digest()
    } catch {
      this.stopping.signal.throwIfAborted()
      return undefined
    }
  }
}
