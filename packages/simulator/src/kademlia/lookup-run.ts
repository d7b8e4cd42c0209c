/** One lookup from its beginning to its end over a table in which nothing changes, with round trips that a function gives. */
import { ContactList } from './contact-list.ts'
import { closestContacts } from './kad-table.ts'
import { LookupKernel } from './lookup-kernel.ts'
import type { KadTable } from './kad-table.ts'
import type { LookupRule } from './lookup-kernel.ts'
import type { LookupEnd } from '@skein/routing/lookup-rules'

/** From request to answer, ms; `Infinity`: no answer ever comes. */
export type RoundTrip = (from: number, to: number) => number

export interface LookupOutcome {
  reason: LookupEnd
  /** Answers on the way to the closest node that answered; 1: it was among the searcher's own contacts */
  hops: number
  requests: number
  elapsedMs: number
}

export class LookupRunner {
  readonly table: KadTable
  /** Nodes in the order in which they were asked */
  readonly contacted: Float64Array
  contactedLength = 0
  /** Nodes that the last lookup found, closest first */
  readonly found: Float64Array
  foundLength = 0
  private readonly kernel: LookupKernel
  private readonly contacts: ContactList
  private readonly closest: Int16Array
  private readonly roundTripMs: RoundTrip
  private readonly tiesByNode: boolean
  /** What is under way, in the order of asking */
  private readonly atMs: Float64Array
  private readonly candidate: Int16Array
  /** Whose doing it is: who answers, or the searcher when time is up */
  private readonly from: Float64Array
  private waiting = 0
  /** Of the lookup under way */
  private self = 0
  private targetHi = 0
  private targetLo = 0

  /**
   * @param ties what is first of that which happens at once: what was asked first, or, as in a simulated world, what the node with the lowest
   * number does
   */
  constructor (table: KadTable, rule: LookupRule, roundTripMs: RoundTrip, ties: 'asked' | 'node' = 'asked') {
    this.table = table
    this.tiesByNode = ties === 'node'
    this.roundTripMs = roundTripMs
    this.kernel = new LookupKernel(1, rule)
    const requests = rule.maxRequests ?? 5 * this.kernel.k
    this.contacts = new ContactList(8 * Math.max(table.k, this.kernel.k) + 64)
    this.contacted = new Float64Array(requests)
    this.found = new Float64Array(this.kernel.k)
    this.closest = new Int16Array(this.kernel.k)
    this.atMs = new Float64Array(3 * requests)
    this.candidate = new Int16Array(3 * requests)
    this.from = new Float64Array(3 * requests)
  }

  run (self: number, targetHi: number, targetLo: number, outcome: LookupOutcome): LookupOutcome {
    const { kernel } = this
    this.self = self
    this.targetHi = targetHi
    this.targetLo = targetLo
    this.waiting = this.contactedLength = 0
    closestContacts(this.table, self, targetHi, targetLo, self, kernel.k, this.contacts)
    kernel.begin(0, this.contacts, 0)
    let nowMs = 0
    while (kernel.ended === undefined) {
      this.send(nowMs)
      nowMs = this.step()
    }
    this.foundLength = kernel.closest(0, this.closest)
    for (let i = 0; i < this.foundLength; i++) {
      this.found[i] = kernel.pool.node[this.closest[i] as number] as number
    }
    outcome.reason = kernel.ended
    outcome.hops = this.foundLength === 0 ? 0 : kernel.pool.hop[this.closest[0] as number] as number
    outcome.requests = this.contactedLength
    outcome.elapsedMs = nowMs
    return outcome
  }

  /** The nodes that the last lookup knew of and had not forgotten, in the order in which it heard of them. */
  forEachKnown (visit: (node: number) => void): void {
    const { pool } = this.kernel
    for (let candidate = 0, end = pool.end(0); candidate < end; candidate++) {
      visit(pool.node[candidate] as number)
    }
  }

  private send (nowMs: number): void {
    const { kernel } = this
    for (let i = 0; i < kernel.askedLength; i++) {
      const candidate = kernel.asked[i] as number
      const node = kernel.pool.node[candidate] as number
      const roundTripMs = this.roundTripMs(this.self, node)
      this.contacted[this.contactedLength++] = node
      if (roundTripMs >= kernel.softTimeoutMs) {
        this.wait(nowMs + kernel.softTimeoutMs, candidate, this.self)
      }
      if (roundTripMs >= kernel.requestTimeoutMs) {
        this.wait(nowMs + kernel.requestTimeoutMs, candidate, this.self)
      }
      // of an answer and the end of the wait in one moment, either may be first
      if (roundTripMs <= kernel.requestTimeoutMs) {
        this.wait(nowMs + roundTripMs, candidate, node)
      }
    }
  }

  private wait (atMs: number, candidate: number, from: number): void {
    this.atMs[this.waiting] = atMs
    this.candidate[this.waiting] = candidate
    this.from[this.waiting++] = from
  }

  /** Lets the next thing happen and says when. */
  private step (): number {
    const { kernel, self } = this
    const next = this.next()
    const nowMs = this.atMs[next] as number
    const from = this.from[next] as number
    if (from !== self) {
      const candidate = this.candidate[next] as number
      this.forget(next)
      closestContacts(this.table, from, this.targetHi, this.targetLo, self, kernel.k, this.contacts)
      kernel.answer(0, candidate, self, this.contacts, nowMs)
      return nowMs
    }
    for (let i = next; i < this.waiting;) {
      if (this.atMs[i] === nowMs && this.from[i] === self) {
        kernel.expire(0, this.candidate[i] as number, nowMs)
        this.forget(i)
      } else {
        i++
      }
    }
    kernel.advance(0, nowMs)
    return nowMs
  }

  private next (): number {
    const { atMs, from } = this
    let next = 0
    for (let i = 1; i < this.waiting; i++) {
      const difference = (atMs[i] as number) - (atMs[next] as number)
      if (difference < 0 || (difference === 0 && this.tiesByNode && (from[i] as number) < (from[next] as number))) {
        next = i
      }
    }
    return next
  }

  private forget (index: number): void {
    const last = --this.waiting
    for (let i = index; i < last; i++) {
      this.atMs[i] = this.atMs[i + 1] as number
      this.candidate[i] = this.candidate[i + 1] as number
      this.from[i] = this.from[i + 1] as number
    }
  }
}
