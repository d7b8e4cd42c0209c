/** Which offer to try first: a pure function from offers and what this peer knows to an order, with the reason for each place. */
import { randomFloat } from '@skein/core'
import { isPublic } from './paths/dialability.ts'
import { isStranger, trustCost } from './trust/trust-cost.ts'
import type { Offer } from '@skein/records'
import type { Path } from '@skein/reachability'
import type { Random } from '@skein/core'
import type { ProviderTrust } from './trust/trust-cost.ts'

/** How a provider would be reached. `local` is this peer itself. */
export type PathKind = 'local' | 'unconnected' | Path

/** What this peer knows of a provider, beyond what the provider says of itself. */
export interface ProviderView {
  path: PathKind
  /** The path that it was last reached by; left out of one that never was, or of which that is forgotten */
  lastPath?: Path
  /** It is reached through a relay, and every way to a better path has failed lately, or none can work @default false */
  isStuck?: boolean
  /** Measured round trip, ms; left out when never measured */
  roundTripMs?: number
  /** Requests of this peer that the provider is serving now: its offer is up to a minute old */
  ownRequests: number
  /** It failed lately and should rest until then, ms since the epoch */
  coolUntilMs?: number
  /** Left out when this peer keeps no ledger: all are equal then */
  trust?: ProviderTrust
  /** What its last answers to this peer came at, tokens/s; left out when it gave none */
  measuredTokensPerSecond?: number
}

export interface RankingContext {
  /** This peer's region; empty when unknown */
  region: string
  nowMs: number
  view: (peer: string) => ProviderView
  random: Random
  /**
   * Tokens an answer is expected to have.
   *
   * @default 128
   */
  expectedTokens?: number
  /**
   * What a second of waiting is worth, in millionths of a US dollar: turns price into time. 0 ignores the price.
   *
   * @default 100
   */
  microsPerSecond?: number
  /** Context the request needs, tokens; offers known to be too short go last. */
  contextTokens?: number
  /** Enough has come through relays lately: those reached through one go after all others that can be used @default false */
  isBudgetSpent?: boolean
  /** This peer reaches addresses of IPv6 @default true */
  hasIPv6?: boolean
}

export interface Ranked {
  offer: Offer
  /** Expected time to the end of the answer, with penalties, ms; the smallest goes first */
  costMs: number
  /** What the cost is made of, ms */
  parts: Record<string, number>
  /** How fast it is taken to be, tokens/s: as measured, else as it claims within reason */
  tokensPerSecond: number
}

/** Round trips assumed where none was measured, ms: median within a region, and across the world. */
const SAME_REGION_MS = 20
const OTHER_REGION_MS = 120
/** Dialling takes the TCP, noise and yamux round trips. */
const DIAL_ROUND_TRIPS = 4
/** Speed assumed of a provider that names none, tokens/s. */
const UNKNOWN_SPEED = 20
/** A relay's limits and its operator's bill: a direct provider goes first unless it is this much slower. */
const RELAY_PENALTY_MS = 6_000
/** … and before one that is known to stay relayed goes one that may become direct. */
const STUCK_PENALTY_MS = 6_000
/**
 * What one that was never measured claims beyond this many times the median of the claims is not believed: to claim a hundred times as much gains a
 * place among the fast, and the first answer shows.
 */
const BELIEVED_CLAIM = 2
/** The share of calls in which strangers are taken for trusted ones: without it nobody new would ever be tried while those known do well. */
const EXPLORED_SHARE = 0.05
/** Above every ordinary cost, so that such offers come last but are still there when nothing else is. */
const DISTRUST_PENALTY_MS = 1e6
const COOLING_PENALTY_MS = 1e7
const TOO_SHORT_PENALTY_MS = 1e8
/** Equal providers share the load: costs vary by up to this share. */
const SPREAD = 0.03

/** Orders offers by expected cost. Never drops one: a provider that failed lately goes last, for it may be the only one. */
export function rankOffers (offers: Offer[], context: RankingContext): Ranked[] {
  const terms = { believedSpeed: BELIEVED_CLAIM * medianClaim(offers), explores: randomFloat(context.random) < EXPLORED_SHARE }
  const ranked = offers.map(offer => cost(offer, context, terms))
  if (context.isBudgetSpent === true) {
    passOverRelayed(ranked, context)
  }
  return ranked.sort((a, b) => a.costMs - b.costMs || (a.offer.peer < b.offer.peer ? -1 : 1))
}

/** Relayed ones cost what the dearest of the others costs besides; those that failed, lie or cannot do it are no others to go to. */
function passOverRelayed (ranked: Ranked[], { hasIPv6, view }: RankingContext): void {
  const isThroughRelay = ({ offer }: Ranked): boolean => isReachedThroughRelay(offer, view(offer.peer), hasIPv6)
  const dearestMs = Math.max(0, ...ranked.filter(one => one.costMs < DISTRUST_PENALTY_MS && !isThroughRelay(one)).map(({ costMs }) => costMs))
  for (const one of ranked.filter(isThroughRelay)) {
    one.parts.relayBudget = dearestMs
    one.costMs += dearestMs
  }
}

/**
 * One that is not connected was reached through a relay the last time, or names a relay and no address of its own that is public: it will be again. A
 * public address may be one that this peer cannot use (IPv6, or behind a firewall); a punch begins at a relay.
 */
export function isReachedThroughRelay ({ addresses }: Offer, { lastPath, path }: ProviderView, hasIPv6 = true): boolean {
  if (path !== 'unconnected') {
    return path === 'relayed'
  }
  const canDial = (address: string): boolean => isPublic(address) && (hasIPv6 || !address.startsWith('/ip6/'))
  return addresses.some(isCircuit) && (lastPath === undefined ? !addresses.some(canDial) : lastPath === 'relayed' || lastPath === 'punched')
}

function isCircuit (address: string): boolean {
  return address.includes('/p2p-circuit')
}

/** The lower of two in the middle; `Infinity` of none. */
function medianClaim (offers: readonly Offer[]): number {
  const claims = offers.map(({ tokensPerSecond }) => tokensPerSecond).filter(speed => speed > 0).sort((a, b) => a - b)
  return claims[Math.floor((claims.length - 1) / 2)] ?? Infinity
}

interface RankingTerms {
  /** Tokens/s; what is claimed beyond it is not believed */
  believedSpeed: number
  /** Strangers are taken for trusted ones this time */
  explores: boolean
}

function speedOf ({ tokensPerSecond }: Offer, { measuredTokensPerSecond }: ProviderView, { believedSpeed }: RankingTerms): number {
  if (measuredTokensPerSecond !== undefined) {
    return tokensPerSecond > 0 ? Math.min(tokensPerSecond, measuredTokensPerSecond) : measuredTokensPerSecond
  }
  return tokensPerSecond > 0 ? Math.min(tokensPerSecond, believedSpeed) : UNKNOWN_SPEED
}

function cost (offer: Offer, context: RankingContext, terms: RankingTerms): Ranked {
  const view = context.view(offer.peer)
  const expectedTokens = context.expectedTokens ?? 128
  const microsPerSecond = context.microsPerSecond ?? 100
  const sameRegion = offer.region !== '' && offer.region === context.region
  const roundTripMs = view.path === 'local' ? 0 : view.roundTripMs ?? (sameRegion ? SAME_REGION_MS : OTHER_REGION_MS)
  const tokensPerSecond = speedOf(offer, view, terms)
  const generateMs = expectedTokens / tokensPerSecond * 1000
  const isExplored = terms.explores && view.trust !== undefined && isStranger(view.trust)
  const trust = view.trust === undefined || view.path === 'local' || isExplored ? undefined : trustCost(view.trust)
  const places = Math.max(1, offer.maxConcurrent)
  const load = Math.max(offer.queueDepth, view.ownRequests)

  const parts: Record<string, number> = {
    roundTrip: roundTripMs,
    dial: view.path === 'unconnected' ? DIAL_ROUND_TRIPS * roundTripMs : 0,
    relay: isReachedThroughRelay(offer, view, context.hasIPv6) ? RELAY_PENALTY_MS + (view.isStuck === true ? STUCK_PENALTY_MS : 0) : 0,
    generate: generateMs,
    // below its places a loaded provider is only slower; above, one waits for a whole answer to end
    load: load < places ? generateMs * 0.25 * load / places : generateMs * (1 + load - places),
    doubt: trust?.ms ?? 0,
    price: microsPerSecond > 0 ? offer.priceMicros * expectedTokens / 1e6 / microsPerSecond * 1000 : 0
  }
  const spread = 1 + SPREAD * (randomFloat(context.random) - 0.5)
  let costMs = Object.values(parts).reduce((sum, part) => sum + part, 0) * spread

  if (trust?.distrusted === true) {
    parts.distrust = DISTRUST_PENALTY_MS
    costMs += parts.distrust
  }
  if (view.coolUntilMs != null && view.coolUntilMs > context.nowMs) {
    parts.cooling = COOLING_PENALTY_MS + view.coolUntilMs - context.nowMs
    costMs += parts.cooling
  }
  if (context.contextTokens != null && offer.effectiveContext > 0 && offer.effectiveContext < context.contextTokens) {
    parts.tooShort = TOO_SHORT_PENALTY_MS
    costMs += parts.tooShort
  }
  return { offer, costMs, parts, tokensPerSecond }
}
