/**
 * When the names of seeds are asked for, as a machine: at the start, when an answer's time is over, sooner when none of the seeds answers, and after
 * a failure with growing pauses. What a name stood for last is kept while it cannot be asked.
 */
import { randomFloat, TimerTable } from '@skein/core'
import type { Machine, Random } from '@skein/core'

export type SeedNamesEffect =
  /** Look this name up; answer with `onFound` or `onFailed` */
  | { type: 'look-up', name: string }
  /** All that the names stand for now, in the order in which to try them */
  | { type: 'addresses', addresses: string[] }

export interface SeedNamesInit {
  names: string[]
  /**
   * How long an answer holds when the resolver does not tell, ms.
   *
   * @default 300_000
   */
  defaultTtlMs?: number
}

/** The times of DNS's answers are kept to between a minute and an hour: one is no load, the other is not too late. */
const MIN_TTL_MS = 60_000
const MAX_TTL_MS = 3_600_000
/** After a failure, twice as long after each further one. */
const FIRST_BACKOFF_MS = 1_000
const MAX_BACKOFF_MS = 60_000
/** When no seed answers; twice as long each time that it brought nothing new. */
const FIRST_URGENT_MS = 10_000
const MAX_URGENT_MS = 300_000

interface Named {
  addresses: string[]
  asking: boolean
  answered: boolean
  askedMs: number
  failures: number
  /** It is asked before its time */
  urgent: boolean
  /** How often that brought nothing new */
  fruitless: number
}

export class SeedNames implements Machine<SeedNamesEffect> {
  private readonly random: Random
  private readonly defaultTtlMs: number
  private readonly effects: SeedNamesEffect[] = []
  private readonly timers = new TimerTable<string>()
  private readonly names: Map<string, Named>

  constructor (init: SeedNamesInit, random: Random) {
    this.random = random
    this.defaultTtlMs = init.defaultTtlMs ?? 300_000
    this.names = new Map(init.names.map(name =>
      [name, { addresses: [], asking: false, answered: false, askedMs: 0, failures: 0, urgent: false, fruitless: 0 }]))
  }

  /** Whether there is a name that has had no answer yet, neither good nor bad. */
  get pending (): boolean {
    return [...this.names.values()].some(({ answered }) => !answered)
  }

  onStart (nowMs: number): void {
    for (const name of this.names.keys()) {
      this.timers.set(name, nowMs)
    }
    this.onTimeout(nowMs)
  }

  onFound (name: string, found: { addresses: string[], ttlMs?: number }, nowMs: number): void {
    const named = this.onAnswered(name)
    named.failures = 0
    if (!sameMembers(named.addresses, found.addresses)) {
      named.fruitless = 0
    }
    named.addresses = found.addresses
    const ttlMs = found.ttlMs === undefined ? this.defaultTtlMs : Math.min(MAX_TTL_MS, Math.max(MIN_TTL_MS, found.ttlMs))
    this.timers.set(name, nowMs + ttlMs * (1 + 0.1 * randomFloat(this.random)))
    this.effects.push({ type: 'addresses', addresses: interleave([...this.names.values()].map(({ addresses }) => addresses)) })
  }

  onFailed (name: string, nowMs: number): void {
    const named = this.onAnswered(name)
    const backoffMs = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(named.failures++, 16))
    this.timers.set(name, nowMs + backoffMs * (0.5 + randomFloat(this.random)))
  }

  /** No seed that is known answers: there may be others by now. */
  onSeedsFail (nowMs: number): void {
    for (const [name, named] of this.names) {
      if (named.urgent || named.asking) {
        continue
      }
      const pauseMs = Math.min(MAX_URGENT_MS, FIRST_URGENT_MS * 2 ** Math.min(named.fruitless, 16)) * (0.5 + randomFloat(this.random))
      const dueMs = Math.max(nowMs, named.askedMs + pauseMs)
      if (dueMs < (this.timers.deadlineOf(name) ?? Infinity)) {
        named.urgent = true
        this.timers.set(name, dueMs)
      }
    }
  }

  onTimeout (nowMs: number): void {
    for (let name = this.timers.popDue(nowMs); name !== undefined; name = this.timers.popDue(nowMs)) {
      const named = this.names.get(name)
      if (named !== undefined) {
        named.fruitless = named.urgent ? named.fruitless + 1 : 0
        named.urgent = false
        named.asking = true
        named.askedMs = nowMs
        this.effects.push({ type: 'look-up', name })
      }
    }
  }

  poll (): SeedNamesEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.timers.nextMs()
  }

  private onAnswered (name: string): Named {
    const named = this.names.get(name) as Named
    named.asking = false
    named.answered = true
    return named
  }
}

/** The first of each, then the second of each: no name waits for another's end. */
function interleave (lists: string[][]): string[] {
  const longest = Math.max(0, ...lists.map(list => list.length))
  return [...new Set(Array.from({ length: longest }, (_, i) => lists.flatMap(list => list.slice(i, i + 1))).flat())]
}

function sameMembers (some: string[], others: string[]): boolean {
  const members = new Set(some)
  return members.size === new Set(others).size && others.every(other => members.has(other))
}
