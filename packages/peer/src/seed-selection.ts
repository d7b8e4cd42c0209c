/**
 * Many seeds: in which order their addresses are dialled, and which of the peers that they name come first, so that a seed that is dead, far away or
 * lying neither stops a join nor chooses all of a newcomer's company.
 */
import { shuffle } from '@skein/core'
import type { Random } from '@skein/core'

/** Between one attempt and the next: RFC 8305 (Happy Eyeballs), §5, recommends as much. */
export const DIAL_STAGGER_MS = 250

export interface PlannedDial {
  address: string
  /** After the start */
  afterMs: number
}

export interface DialPlanInit {
  /** The round trip to a seed when it was last known, by peer id: the near ones go first */
  roundTripMs?: (peer: string) => number | undefined
  /** @default 250 */
  staggerMs?: number
  /** The addresses have an order already, as SRV records give one: it is kept @default false */
  inOrder?: boolean
}

/**
 * When each address is dialled. Seeds whose round trip is known go first, the nearest before all; the others in random order, so that no seed has
 * more than its share of newcomers, unless they come in an order. The second address of any seed comes after the first of all of them. The first
 * seed to answer has won: it is near, or the others are slow; the caller skips what is left once it has enough.
 */
export function dialPlan (addresses: string[], random: Random, init: DialPlanInit = {}): PlannedDial[] {
  const staggerMs = init.staggerMs ?? DIAL_STAGGER_MS
  const seeds = [...Map.groupBy(new Set(addresses), nameOf)].map(([peer, own]) => ({ own, roundTripMs: init.roundTripMs?.(peer) ?? Infinity }))
  if (init.inOrder !== true) {
    shuffle(random, seeds)
  }
  seeds.sort((a, b) => a.roundTripMs === b.roundTripMs ? 0 : a.roundTripMs - b.roundTripMs)

  const plan: PlannedDial[] = []
  for (let round = 0; seeds.some(({ own }) => round < own.length); round++) {
    for (const { own } of seeds) {
      const address = own[round]
      if (address !== undefined) {
        plan.push({ address, afterMs: plan.length * staggerMs })
      }
    }
  }
  return plan
}

export interface SuggestionsInit {
  /**
   * Most addresses waiting to be dialled; further ones are dropped, for there will be others.
   *
   * @default 64
   */
  maxAddresses?: number
  /**
   * Most seeds that are listened to.
   *
   * @default 16
   */
  maxSeeds?: number
}

/** One that was named, and by whom. */
interface Suggestion {
  address: string
  peer: string
  seeds: Set<string>
}

/**
 * The peers that seeds named and that are still to be dialled. Those that two seeds agree on come first; of the others each seed in turn has its
 * word, and not more often than it is allowed.
 */
export class Suggestions {
  private readonly maxAddresses: number
  private readonly maxSeeds: number
  /** By peer */
  private readonly waiting = new Map<string, Suggestion>()
  private readonly answered = new Set<string>()
  /** Those dialled on the word of one seed alone, by peer: whose word */
  private readonly trusted = new Map<string, string>()

  constructor (init: SuggestionsInit = {}) {
    this.maxAddresses = init.maxAddresses ?? 64
    this.maxSeeds = init.maxSeeds ?? 16
  }

  /** Seeds that have named anybody so far. */
  get seedCount (): number {
    return this.answered.size
  }

  onAnswer (seed: string, addresses: string[]): void {
    if (addresses.length === 0 || (!this.answered.has(seed) && this.answered.size >= this.maxSeeds)) {
      return
    }
    this.answered.add(seed)
    for (const address of addresses) {
      const peer = nameOf(address)
      const known = this.waiting.get(peer)
      if (known !== undefined) {
        known.seeds.add(seed)
      } else if (this.trusted.has(peer)) {
        if (this.trusted.get(peer) !== seed) {
          this.trusted.delete(peer) // it no longer stands on one seed's word
        }
      } else if (this.waiting.size < this.maxAddresses) {
        this.waiting.set(peer, { address, peer, seeds: new Set([seed]) })
      }
    }
  }

  /** The next to dial; `maxOfOneSeed` bounds how many are dialled, and not gone since, on the word of one seed alone. */
  next (maxOfOneSeed = Infinity): string | undefined {
    const best = this.best(maxOfOneSeed)
    if (best !== undefined) {
      this.waiting.delete(best.peer)
      if (best.seeds.size === 1 && this.trusted.size < 4 * this.maxAddresses) {
        this.trusted.set(best.peer, only(best.seeds))
      }
    }
    return best?.address
  }

  /** The connection came to nothing or to an end: the seed that named the peer may name another in its place. */
  onGone (peer: string): void {
    this.trusted.delete(peer)
  }

  private best (maxOfOneSeed: number): Suggestion | undefined {
    const taken = new Map<string, number>()
    for (const seed of this.trusted.values()) {
      taken.set(seed, (taken.get(seed) ?? 0) + 1)
    }
    let best: Suggestion | undefined
    let bestTaken = maxOfOneSeed
    for (const suggestion of this.waiting.values()) {
      if (suggestion.seeds.size > 1) {
        return suggestion
      }
      const count = taken.get(only(suggestion.seeds)) ?? 0
      if (count < bestTaken) {
        best = suggestion
        bestTaken = count
      }
    }
    return best
  }
}

/** The peer that an address names; an address without one stands for itself. */
export function nameOf (address: string): string {
  return /\/p2p\/([^/]+)$/.exec(address)?.[1] ?? address
}

function only (seeds: Set<string>): string {
  return seeds.values().next().value as string
}
