/**
 * How many seats change hands from term to term, by when lots are drawn: for each term, for all at midnight, or once a day for each at an hour of its
 * own. Candidates come and go, and are measured again; a holder of the last term is an incumbent.
 */
import { electSuperNodes, TERM_MS } from '@skein/supernode'
import { RandomStream } from '../engine/random-stream.ts'
import type { SuperNodeCandidate } from '@skein/supernode'

export type SeatDraw = 'term' | 'midnight' | 'day'

export interface SeatTurnoverInit {
  candidates: readonly SuperNodeCandidate[]
  peers: number
  draw: SeatDraw
  terms: number
  /** Mean times online and offline; the share of the first is their uptime */
  onlineMs: number
  offlineMs: number
  /** Two measurements of the same bandwidth differ by so much: the standard deviation of their logarithm */
  noise: number
  seed: number
  stream: number
}

export interface SeatTurnover {
  /** Share of the seats that came to a new holder, of each term but the first */
  changed: Float64Array
  /** Of these, the share whose holder had gone: no rule can avoid it */
  gone: Float64Array
}

const START_MS = 1_790_000_000_000
const DAY_MS = 86_400_000
/** Terms between two measurements. */
const MEASURED_EVERY = 36

export function seatTurnover ({ candidates, peers, draw, terms, onlineMs, offlineMs, noise, seed, stream }: SeatTurnoverInit): SeatTurnover {
  const random = new RandomStream(seed, stream)
  const until = candidates.map((_, i) => Math.floor(exponential(random.float(i, 0), onlineMs) / TERM_MS))
  const online = candidates.map(() => true)
  const counters = candidates.map(() => 1)
  const changed = new Float64Array(terms - 1)
  const gone = new Float64Array(terms - 1)
  let holders = new Set<string>()
  for (let term = 0; term < terms; term++) {
    for (let i = 0; i < candidates.length; i++) {
      if (term >= (until[i] as number)) {
        online[i] = !(online[i] as boolean)
        const stay = exponential(random.float(i, counters[i]++), online[i] === true ? onlineMs : offlineMs)
        until[i] = term + Math.max(1, Math.round(stay / TERM_MS))
      }
    }
    const present = candidates.flatMap((candidate, i) => online[i] !== true
      ? []
      : {
          ...candidate,
          incumbent: holders.has(candidate.peer),
          measuredBytesPerSecond: candidate.measuredBytesPerSecond * Math.exp(noise * spread(random, i, Math.floor(term / MEASURED_EVERY)))
        })
    const nowMs = START_MS + term * TERM_MS
    const region = draw === 'day' ? 'eu-west' : `eu-west ${draw === 'term' ? term : Math.floor(nowMs / DAY_MS)}`
    const { elected, seats } = electSuperNodes({ candidates: present, peers, region }, draw === 'day' ? nowMs : START_MS)
    const next = new Set(elected.map(({ peer }) => peer))
    if (term > 0) {
      const there = new Set(present.map(({ peer }) => peer))
      changed[term - 1] = [...next].filter(peer => !holders.has(peer)).length / seats
      gone[term - 1] = [...holders].filter(peer => !there.has(peer)).length / seats
    }
    holders = next
  }
  return { changed, gone }
}

function exponential (u: number, mean: number): number {
  return -Math.log(1 - u) * mean
}

/** About normal, between −3 and 3: twelve uniform numbers less six would be the textbook's, three are enough here. */
function spread (random: RandomStream, candidate: number, measurement: number): number {
  const u = (counter: number): number => random.float(candidate, 1_000_000 + 3 * measurement + counter)
  return 2 * (u(0) + u(1) + u(2) - 1.5)
}
