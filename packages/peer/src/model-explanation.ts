/** Why a provider of a model would be asked, or not: the ranking as it is now, in numbers and in words. Pure. */
import { meets } from '@skein/routing'
import { rankOffers } from './ranking.ts'
import type { Ranked, RankingContext } from './ranking.ts'
import type { Random } from '@skein/core'
import type { Offer } from '@skein/records'
import type { Explanation } from '@skein/reputation'
import type { OfferFilter } from '@skein/routing'

export interface ModelExplanation {
  model: string
  atMs: number
  /** The one that would be asked first, then those to be asked when it fails, then those that do not meet the terms */
  providers: ProviderExplanation[]
}

export interface ProviderExplanation {
  peer: string
  offer: Offer
  /** 1 is asked first; left out for one that does not meet the terms */
  place?: number
  chosen: boolean
  /** Expected time to the end of an answer, with penalties, ms, and what it is made of; left out with `place` */
  costMs?: number
  parts: Record<string, number>
  /** What this peer thinks of it, service by service; empty when it keeps no ledger */
  reputation: Explanation[]
  /** The same in sentences */
  reasons: string[]
}

export interface ExplanationContext extends Omit<RankingContext, 'random'> {
  reputationOf: (peer: string) => Explanation[]
}

/** No dice: nobody is tried for being new, and of equals the name decides. */
const UNDECIDED: Random = { nextUint32: () => 0x8000_0000 }
/** Differences below this are drawn by lot, ms. */
const SLIGHT_MS = 1

const PART_WORDS: Record<string, string> = {
  roundTrip: 'round trip',
  dial: 'dialling it',
  relay: 'reached through a relay',
  relayBudget: 'enough has come through relays lately',
  generate: 'generating the answer',
  load: 'its load',
  doubt: 'doubt about it',
  price: 'its price',
  distrust: 'known to fail or to lie',
  cooling: 'it failed lately and rests',
  tooShort: 'its context is too short'
}

export function explainOffers (offers: readonly Offer[], filter: OfferFilter, context: ExplanationContext): ModelExplanation {
  const fit = offers.filter(offer => meets(offer, filter))
  const ranked = rankOffers(fit, { ...context, random: UNDECIDED })
  const providers = ranked.map((entry, i): ProviderExplanation => {
    const { offer, costMs, parts } = entry
    const reputation = context.reputationOf(offer.peer)
    const reasons = [...placeReasons(entry, ranked[0] as Ranked, i), ...speedReasons(entry), ...reputation.flatMap(reputationReasons)]
    return { peer: offer.peer, offer, place: i + 1, chosen: i === 0, costMs, parts, reputation, reasons }
  })
  const unfit = offers.filter(offer => !fit.includes(offer)).map((offer): ProviderExplanation => {
    const reputation = context.reputationOf(offer.peer)
    const reasons = [termReason(offer, filter), ...reputation.flatMap(reputationReasons)]
    return { peer: offer.peer, offer, chosen: false, parts: {}, reputation, reasons }
  })
  return { model: filter.model, atMs: context.nowMs, providers: [...providers, ...unfit] }
}

function placeReasons ({ costMs, parts }: Ranked, first: Ranked, index: number): string[] {
  if (index === 0) {
    const largest = Object.entries(parts).filter(([, ms]) => ms >= SLIGHT_MS).sort((a, b) => b[1] - a[1]).slice(0, 3)
    return [`asked first: its answer is expected to end after ${seconds(costMs)}` +
      (largest.length === 0 ? '' : ` (${largest.map(([part, ms]) => `${PART_WORDS[part] ?? part} ${seconds(ms)}`).join(', ')})`)]
  }
  const laterMs = costMs - first.costMs
  const worse = Object.entries(parts)
    .map(([part, ms]): [string, number] => [part, ms - (first.parts[part] ?? 0)])
    .filter(([, ms]) => ms >= SLIGHT_MS)
    .sort((a, b) => b[1] - a[1])
  if (laterMs < SLIGHT_MS || worse.length === 0) {
    return [`asked as number ${index + 1}, as good as the first: which of them goes first is drawn by lot`]
  }
  return [`asked as number ${index + 1}, when those before it failed; against the first it has ` +
    worse.map(([part, ms]) => `${PART_WORDS[part] ?? part} (+${seconds(ms)})`).join(', ')]
}

function speedReasons ({ offer, tokensPerSecond }: Ranked): string[] {
  const claimed = offer.tokensPerSecond
  if (claimed > 0 && tokensPerSecond < claimed) {
    return [`it claims ${claimed.toFixed(0)} tokens/s, and is taken for ${tokensPerSecond.toFixed(0)}: what was measured, or twice what others claim`]
  }
  return claimed > 0 ? [] : [`it does not say how fast it is, and is taken for ${tokensPerSecond.toFixed(0)} tokens/s`]
}

function reputationReasons ({ service, score, reasons }: Explanation): string[] {
  return [`${service} ${score.toFixed(2)}: ${reasons.join('; ')}`]
}

function termReason (offer: Offer, { maxPriceMicros, minTier, minContext, task, region }: OfferFilter): string {
  const missed = [
    maxPriceMicros !== undefined && offer.priceMicros > maxPriceMicros
      ? `it asks ${(offer.priceMicros / 1e6).toFixed(2)} USD for a million tokens, ${(maxPriceMicros / 1e6).toFixed(2)} at most are given`
      : undefined,
    minTier !== undefined && offer.tier > minTier ? `it is of tier ${offer.tier}, ${minTier} or better is wanted` : undefined,
    minContext !== undefined && offer.effectiveContext < minContext ? `its context is ${offer.effectiveContext}, ${minContext} is needed` : undefined,
    task !== undefined && !offer.tasks.includes(task) ? `it does not do ${task}` : undefined,
    region !== undefined && offer.region !== region ? `it is in ${offer.region === '' ? 'no region' : offer.region}, not in ${region}` : undefined,
    offer.withdrawn ? 'it took its offer back' : undefined
  ].filter(reason => reason !== undefined)
  return `not asked: ${missed.join(', ')}`
}

function seconds (ms: number): string {
  return ms >= 1e5 ? 'as good as for ever' : ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms)} ms`
}
