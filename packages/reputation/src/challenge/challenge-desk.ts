/**
 * Which challenges a peer answers: one at a time, few an hour, most of them for peers it has dealt with. A challenge costs its prover seconds of a
 * core and its verifier nothing: the bound is on what the prover gives away in all, whoever asks. Pure.
 */
import { BoundedMap } from '@skein/core'
import { isChallengeSize, MIN_CHALLENGE_BYTES } from './memory-challenge.ts'

export interface ChallengeDeskInit {
  /** Largest buffer that is filled for others */
  mostBytes: number
  /**
   * @default 64 MiB
   */
  leastBytes?: number
  /**
   * Challenges answered in an hour: at 2 s of a core each, 6 are 0.3 % of one.
   *
   * @default 6
   */
  perHour?: number
  /**
   * … of them for peers that this one never dealt with.
   *
   * @default 2
   */
  strangersPerHour?: number
}

export type ChallengeRefusal =
  /** Another is being answered, or too many were */
  | { type: 'busy', retryAfterMs: number }
  /** Ask for no more than that */
  | { type: 'too_large', mostBytes: number }
  /** This peer answers none, or none of that size */
  | { type: 'declined' }

const HOUR_MS = 3_600_000
/** While another challenge is being answered. */
const RETRY_MS = 10_000
/** Networks and peers that were answered within the hour; there are never more than are answered. */
const MAX_ASKERS = 1024

export class ChallengeDesk {
  private readonly init: Required<ChallengeDeskInit>
  /** When each of the last hour was begun, oldest first; at most `perHour` */
  private begun: Array<{ atMs: number, stranger: boolean }> = []
  private readonly askers = new BoundedMap<string, number>({ maxSize: MAX_ASKERS })
  private busy = false

  constructor (init: ChallengeDeskInit) {
    this.init = { leastBytes: MIN_CHALLENGE_BYTES, perHour: 6, strangersPerHour: 2, ...init }
  }

  /**
   * Takes the one place there is, or says why not. `known`: this peer dealt with it before; `network`: where it asks from. A peer is answered once an
   * hour, strangers of one network together.
   */
  take (peer: string, { known, network }: { known: boolean, network?: string }, bytes: number, nowMs: number): ChallengeRefusal | undefined {
    const { mostBytes, leastBytes, perHour, strangersPerHour } = this.init
    if (mostBytes < leastBytes || !isChallengeSize(bytes, leastBytes)) {
      return { type: 'declined' }
    }
    if (bytes > mostBytes) {
      return { type: 'too_large', mostBytes }
    }
    this.begun = this.begun.filter(({ atMs }) => atMs > nowMs - HOUR_MS)
    const asker = known ? peer : `stranger ${network ?? ''}`
    const waits = [
      this.busy ? RETRY_MS : 0,
      this.freeAfter(this.begun, perHour, nowMs),
      known ? 0 : this.freeAfter(this.begun.filter(({ stranger }) => stranger), strangersPerHour, nowMs),
      (this.askers.get(asker) ?? -Infinity) + HOUR_MS - nowMs
    ]
    const retryAfterMs = Math.ceil(Math.max(...waits))
    if (retryAfterMs > 0) {
      return { type: 'busy', retryAfterMs }
    }
    this.busy = true
    this.begun.push({ atMs: nowMs, stranger: !known })
    this.askers.set(asker, nowMs)
    return undefined
  }

  /** The challenge that had the place is over. */
  release (): void {
    this.busy = false
  }

  private freeAfter (begun: ReadonlyArray<{ atMs: number }>, most: number, nowMs: number): number {
    const first = begun[begun.length - most]
    return most <= 0 ? HOUR_MS : first === undefined ? 0 : first.atMs + HOUR_MS - nowMs
  }
}
