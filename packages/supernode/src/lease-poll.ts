/**
 * Whom a client asks for leases and when, as a machine: a round asks electors of three networks, others for those that do not answer, and what they
 * say is put to the vote. The next round is due before the leases end; after one that brought nothing the pauses double.
 */
import { BoundedMap, randomBelow, randomFloat } from '@skein/core'
import { voteOnLeases } from './lease-vote.ts'
import type { Machine, Random } from '@skein/core'
import type { ElectorAnswer, LeaseVote } from './lease-vote.ts'

/**
 * - `seek`: look for electors; tell each with `onElector`, and the end of the search with `onSought`
 * - `ask`: ask this elector; answer with `onAnswer` or `onFailed`
 * - `vote`: a round is over
 */
export type LeasePollEffect =
  | { type: 'seek' }
  | { type: 'ask', peer: string }
  | { type: 'vote', vote: LeaseVote }

export interface LeasePollInit {
  /** Networks whose electors are asked in a round. More is surer and costs everybody more questions. @default 3 */
  networks?: number
  /** The longest from one round to the next while there are leases, ms. Leases are renewed after five minutes and live for ten. @default 240_000 */
  refreshMs?: number
  /** The first round begins about so long after the start, ms. @default 2000 */
  firstMs?: number
  /** The shortest pause between two rounds, which doubles after each that brought nothing, ms. @default 5000 */
  minPauseMs?: number
  /** The longest, ms. @default 600_000 */
  maxPauseMs?: number
  /** A round ends after this, ms. @default 8000 */
  roundMs?: number
}

interface Elector {
  network: number | string | undefined
  failures: number
  restUntilMs: number
}

interface Round {
  endsMs: number
  seeking: boolean
  /** Asked and not answered yet */
  waiting: Set<string>
  asked: Set<string>
  answers: ElectorAnswer[]
}

const MAX_ELECTORS = 64
/** Of one network: who owns it must not push the others out. */
const MAX_ELECTORS_OF_NETWORK = 8
/** Asked in one round: three, and some for those that are gone. */
const MAX_ASKED = 9
/** An elector that did not answer so many times is forgotten. */
const MAX_FAILURES = 3
const REST_MS = 60_000

export class LeasePoll implements Machine<LeasePollEffect> {
  private readonly init: Required<LeasePollInit>
  private readonly random: Random
  private readonly effects: LeasePollEffect[] = []
  private readonly electors = new BoundedMap<string, Elector>({ maxSize: MAX_ELECTORS })
  private round?: Round
  private nextMs?: number
  private endedMs = -Infinity
  private fruitless = 0

  constructor (init: LeasePollInit, random: Random) {
    this.init = { networks: 3, refreshMs: 240_000, firstMs: 2000, minPauseMs: 5000, maxPauseMs: 600_000, roundMs: 8000, ...init }
    this.random = random
  }

  /** How many electors are known. */
  get known (): number {
    return this.electors.size
  }

  onStart (nowMs: number): void {
    this.nextMs = nowMs + this.init.firstMs * (0.5 + randomFloat(this.random))
  }

  /** Somebody who may know: it speaks the protocol, or says so. `network` is where it is or claims to be, as `systemKey` names it. */
  onElector (peer: string, network: number | string | undefined, nowMs: number): void {
    const known = this.electors.get(peer)
    if (known !== undefined) {
      known.network = network ?? known.network
      return
    }
    const same = [...this.electors].filter(([, elector]) => elector.network === network)
    if (network !== undefined && same.length >= MAX_ELECTORS_OF_NETWORK) {
      return
    }
    this.electors.set(peer, { network, failures: 0, restUntilMs: -Infinity })
    if (this.round !== undefined) {
      this.askMore(nowMs)
    } else if (this.fruitless > 0 && same.length === 0) {
      this.fruitless = 0 // a network that was not heard yet
      this.hasten(nowMs)
    }
  }

  /** The search is over, whatever it found. */
  onSought (nowMs: number): void {
    if (this.round !== undefined) {
      this.round.seeking = false
      this.askMore(nowMs)
    }
  }

  /** `network` is where it was reached. */
  onAnswer (peer: string, answer: ElectorAnswer, nowMs: number): void {
    const elector = this.electors.get(peer)
    if (elector !== undefined) {
      elector.failures = 0
      elector.network = answer.network
    }
    if (this.round?.waiting.delete(peer) === true) {
      this.round.answers.push(answer)
      this.askMore(nowMs)
    }
  }

  /** It could not be reached, or has no answer; `retryAfterMs` is what it said of when to come again: one that says so is there. */
  onFailed (peer: string, nowMs: number, retryAfterMs?: number): void {
    const elector = this.electors.get(peer)
    if (elector !== undefined) {
      elector.failures += retryAfterMs === undefined ? 1 : 0
      elector.restUntilMs = nowMs + Math.min(retryAfterMs ?? REST_MS, this.init.maxPauseMs)
      if (elector.failures >= MAX_FAILURES) {
        this.electors.delete(peer)
      }
    }
    if (this.round?.waiting.delete(peer) === true) {
      this.askMore(nowMs)
    }
  }

  /** None of the super-nodes that were told works: the next round is due as soon as the pause allows it. */
  onUrgent (nowMs: number): void {
    if (this.round === undefined && this.nextMs !== undefined) {
      this.hasten(nowMs)
    }
  }

  onTimeout (nowMs: number): void {
    if (this.round !== undefined && nowMs >= this.round.endsMs) {
      this.round.waiting.forEach(peer => { this.onFailed(peer, nowMs) })
      this.end(nowMs)
    } else if (this.round === undefined && this.nextMs !== undefined && nowMs >= this.nextMs) {
      this.begin(nowMs)
    }
  }

  poll (): LeasePollEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.round?.endsMs ?? this.nextMs
  }

  private begin (nowMs: number): void {
    const seeking = new Set([...this.electors.values()].map(({ network }) => network)).size < this.init.networks
    this.round = { endsMs: nowMs + this.init.roundMs, seeking, waiting: new Set(), asked: new Set(), answers: [] }
    if (seeking) {
      this.effects.push({ type: 'seek' })
    }
    this.askMore(nowMs)
  }

  /** Until enough networks answer or are asked; the round is over when nobody is left to wait for. */
  private askMore (nowMs: number): void {
    for (;;) {
      const next = this.nextToAsk(nowMs)
      if (next === undefined || this.round === undefined) {
        break
      }
      this.round.asked.add(next)
      this.round.waiting.add(next)
      this.effects.push({ type: 'ask', peer: next })
    }
    if (this.round?.waiting.size === 0 && !this.round.seeking) {
      this.end(nowMs)
    }
  }

  private nextToAsk (nowMs: number): string | undefined {
    const { answers, asked, waiting } = this.round ?? { answers: [], asked: new Set(), waiting: new Set() }
    const heard = new Set<Elector['network']>(answers.map(({ network }) => network))
    // one whose network is not known may turn out to be in any
    waiting.forEach(peer => heard.add(this.electors.get(peer)?.network ?? peer))
    if (heard.size >= this.init.networks || asked.size >= MAX_ASKED) {
      return undefined
    }
    const free = [...this.electors].filter(([peer, { restUntilMs }]) => !asked.has(peer) && restUntilMs <= nowMs)
    const others = free.filter(([, { network }]) => !heard.has(network))
    // where there is one network, several of its electors are asked, since any of them may be wrong
    const choice = others.length > 0 ? others : answers.length + waiting.size < this.init.networks ? free : []
    return choice.length === 0 ? undefined : choice[randomBelow(this.random, choice.length)]?.[0]
  }

  private end (nowMs: number): void {
    const answers = this.round?.answers ?? []
    const heard = new Set(answers.map(({ network }) => network))
    const alone = [...this.electors.values()].every(({ network }) => heard.has(network))
    const vote = voteOnLeases(answers, alone)
    this.round = undefined
    this.endedMs = nowMs
    const ends = vote.leases.filter(({ lease }) => !lease.withdrawn).map(({ lease }) => lease.expiresAtMs - nowMs)
    if (ends.length === 0) {
      this.nextMs = nowMs + this.pauseMs() * (0.5 + randomFloat(this.random))
      this.fruitless++
    } else {
      this.fruitless = 0
      const untilMs = Math.max(this.init.minPauseMs, Math.min(this.init.refreshMs, Math.min(...ends) / 2))
      this.nextMs = nowMs + untilMs * (0.75 + 0.25 * randomFloat(this.random))
    }
    this.effects.push({ type: 'vote', vote })
  }

  private hasten (nowMs: number): void {
    const soonMs = Math.max(nowMs + 0.2 * this.init.minPauseMs * randomFloat(this.random), this.endedMs + this.pauseMs())
    this.nextMs = Math.min(this.nextMs ?? Infinity, soonMs)
  }

  private pauseMs (): number {
    return Math.min(this.init.maxPauseMs, this.init.minPauseMs * 2 ** Math.min(this.fruitless, 16))
  }
}
