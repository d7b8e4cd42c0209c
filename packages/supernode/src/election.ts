/**
 * Who has the seats of a region: a pure function of what is known of the candidates. Nobody votes and nobody is asked; who knows the same candidates
 * names the same holders, and who knows slightly others names nearly the same ones. Two views at once do no harm, because all that a super-node holds
 * is soft.
 */
import { systemKey, systemName } from './candidate.ts'
import { countedNetworks, ELECTION_RULES, isEligible, seatCount, seatsPerSystem, shortfalls, weightOf } from './election-rules.ts'
import { SeatLots } from './seat-lot.ts'
import type { SuperNodeCandidate } from './candidate.ts'
import type { ElectionRules, Shortfall } from './election-rules.ts'
import type { LotDraw } from './seat-lot.ts'
import type { VerifiedNetwork } from '@skein/records'

/** For so long an election holds: all that elect within it do so for its beginning, and name the same holders. */
export const TERM_MS = 600_000

/** Candidates of one election. Beyond some 3,200 peers a region has no more seats, and the best few thousand candidates are enough. */
export const MAX_CANDIDATES = 65_536

export interface ElectionInit extends LotDraw {
  candidates: readonly SuperNodeCandidate[]
  /** Peers of the region, which give the number of seats */
  peers: number
  rules?: Partial<ElectionRules>
}

export interface ElectedSeat {
  peer: string
  /** 0 is the region's coordinator */
  seat: number
  /** Lot divided by weight, by which candidates are ordered */
  score: number
  networks: readonly VerifiedNetwork[]
}

/** Why a candidate has no seat. Of a cap: which network or system is full, and of whom. */
export type Refusal =
  | Shortfall
  | { rule: 'small_network' | 'wide_network' | 'system', network: string, holders: string[], most: number }
  | { rule: 'seats', seats: number }

export interface ElectionVerdict {
  peer: string
  elected: boolean
  seat?: number
  /** Its place among those that are eligible, 1 is the first; left out for one that is not */
  place?: number
  /** Left out for one that is not eligible */
  weight?: number
  /** Empty for the elected; all shortfalls of one that is not eligible; else the cap or the end of the seats that it met */
  why: Refusal[]
}

interface Drawn {
  candidate: SuperNodeCandidate
  weight: number
  score: number
}

/** @throws {RangeError} for more than 65,536 candidates, or a candidate that is there twice */
export function electSuperNodes ({ candidates, peers, rules: changes, ...draw }: ElectionInit, nowMs: number): Election {
  const rules = { ...ELECTION_RULES, ...changes }
  if (candidates.length > MAX_CANDIDATES) {
    throw new RangeError(`${candidates.length} candidates; an election takes ${MAX_CANDIDATES}. Elect by smaller regions`)
  }
  checkDistinct(candidates)
  const seats = seatCount(peers, rules)
  const drawn = drawLots(candidates, rules, new SeatLots(draw, Math.floor(nowMs / TERM_MS) * TERM_MS))
  const caps = new SeatCaps(rules, seats)
  const elected: ElectedSeat[] = []
  for (const { candidate, score } of inOrder(drawn, 4 * seats)) {
    if (caps.refusal(candidate) === undefined) {
      caps.take(candidate)
      elected.push({ peer: candidate.peer, seat: elected.length, score, networks: candidate.networks })
      if (elected.length === seats) {
        break
      }
    }
  }
  return new Election(seats, elected, candidates, drawn, rules)
}

export class Election {
  /** Seats that there are; fewer are taken where the caps leave nobody for them */
  readonly seats: number
  /** In the order of seats */
  readonly elected: readonly ElectedSeat[]
  private readonly candidates: readonly SuperNodeCandidate[]
  private readonly drawn: readonly Drawn[]
  private readonly rules: ElectionRules
  private verdicts?: Map<string, ElectionVerdict>

  constructor (
    seats: number, elected: readonly ElectedSeat[], candidates: readonly SuperNodeCandidate[], drawn: readonly Drawn[], rules: ElectionRules
  ) {
    this.seats = seats
    this.elected = elected
    this.candidates = candidates
    this.drawn = drawn
    this.rules = rules
  }

  /** Who coordinates the region. */
  get coordinator (): string | undefined {
    return this.elected[0]?.peer
  }

  has (peer: string): boolean {
    return this.elected.some(seat => seat.peer === peer)
  }

  /** Why this peer was elected or not; `undefined` for one that was no candidate. The first call explains all, in some ms for 2,000. */
  explain (peer: string): ElectionVerdict | undefined {
    this.verdicts ??= this.explainAll()
    return this.verdicts.get(peer)
  }

  private explainAll (): Map<string, ElectionVerdict> {
    const verdicts = new Map<string, ElectionVerdict>()
    const caps = new SeatCaps(this.rules, this.seats)
    for (const [at, { candidate, weight }] of this.drawn.toSorted(compare).entries()) {
      const { peer } = candidate
      const seat = caps.size
      const full = seat < this.seats ? caps.refusal(candidate) : { rule: 'seats' as const, seats: this.seats }
      if (full === undefined) {
        caps.take(candidate)
      }
      verdicts.set(peer, { peer, elected: full === undefined, place: at + 1, weight, ...full === undefined ? { seat, why: [] } : { why: [full] } })
    }
    for (const candidate of this.candidates) {
      const { peer } = candidate
      if (!verdicts.has(peer)) {
        verdicts.set(peer, { peer, elected: false, why: shortfalls(candidate, this.rules) })
      }
    }
    return verdicts
  }
}

function drawLots (candidates: readonly SuperNodeCandidate[], rules: ElectionRules, lots: SeatLots): Drawn[] {
  const drawn: Drawn[] = []
  const systems = new Map<NetworkKey, number>()
  for (const candidate of candidates) {
    if (isEligible(candidate, rules)) {
      const weight = weightOf(candidate, rules)
      drawn.push({ candidate, weight, score: 0 })
      forEachDistinct(candidate, systemKey, key => { systems.set(key, (systems.get(key) ?? 0) + weight) })
    }
  }
  for (const [key, sum] of systems) {
    systems.set(key, sum ** (rules.systemExponent - 1))
  }
  for (const entry of drawn) {
    const { candidate } = entry
    // of one in several systems the least counts: a second provider is no way around the first
    let factor = Infinity
    for (const network of countedNetworks(candidate)) {
      factor = Math.min(factor, systems.get(systemKey(network)) as number)
    }
    entry.weight *= factor * (candidate.incumbent === true ? rules.incumbentFactor : 1)
    entry.score = lots.lotOf(candidate.peer) / entry.weight
  }
  return drawn
}

function compare (a: Drawn, b: Drawn): number {
  return a.score - b.score || (a.candidate.peer < b.candidate.peer ? -1 : 1)
}

/** The drawn, the first first. Most elections end among the first few hundred, and the others need no order. */
function * inOrder (drawn: readonly Drawn[], batchSize: number): Generator<Drawn> {
  const scores = Float64Array.from(drawn, ({ score }) => score).sort()
  let above = -Infinity
  for (let at = 0; at < drawn.length;) {
    const upTo = scores[Math.min(Math.max(batchSize, 9 * at), drawn.length) - 1] as number
    const batch = drawn.filter(({ score }) => score > above && score <= upTo).sort(compare)
    yield * batch
    above = upTo
    at += batch.length
  }
}

function checkDistinct (candidates: readonly SuperNodeCandidate[]): void {
  if (new Set(candidates.map(({ peer }) => peer)).size < candidates.length) {
    throw new RangeError('A candidate is there twice. Merge what is known of a peer before an election')
  }
}

type NetworkKey = number | string

interface SeatCap {
  rule: 'small_network' | 'wide_network' | 'system'
  most: number
  keyOf: (network: VerifiedNetwork) => NetworkKey
  holders: Map<NetworkKey, string[]>
}

/** How many seats each network and system has taken. */
class SeatCaps {
  private readonly caps: readonly SeatCap[]
  size = 0

  constructor (rules: ElectionRules, seats: number) {
    this.caps = [
      { rule: 'small_network', most: rules.perSmallNetwork, keyOf: ({ small }) => small, holders: new Map() },
      { rule: 'wide_network', most: rules.perWideNetwork, keyOf: ({ wide }) => wide, holders: new Map() },
      { rule: 'system', most: seatsPerSystem(seats, rules), keyOf: systemKey, holders: new Map() }
    ]
  }

  refusal (candidate: SuperNodeCandidate): Refusal | undefined {
    for (const { rule, most, keyOf, holders } of this.caps) {
      for (const network of countedNetworks(candidate)) {
        const key = keyOf(network)
        const here = holders.get(key)
        if (here !== undefined && here.length >= most) {
          return { rule, network: systemName(key), holders: [...here], most }
        }
      }
    }
    return undefined
  }

  take (candidate: SuperNodeCandidate): void {
    this.size++
    for (const { keyOf, holders } of this.caps) {
      forEachDistinct(candidate, keyOf, key => {
        const here = holders.get(key)
        if (here === undefined) {
          holders.set(key, [candidate.peer])
        } else {
          here.push(candidate.peer)
        }
      })
    }
  }
}

function forEachDistinct (candidate: SuperNodeCandidate, keyOf: (network: VerifiedNetwork) => NetworkKey, visit: (key: NetworkKey) => void): void {
  const networks = countedNetworks(candidate)
  for (let i = 0; i < networks.length; i++) {
    const key = keyOf(networks[i] as VerifiedNetwork)
    let known = false
    for (let j = 0; j < i && !known; j++) {
      known = keyOf(networks[j] as VerifiedNetwork) === key
    }
    if (!known) {
      visit(key)
    }
  }
}
