/**
 * The places that a super-node has for streams, and who holds them: a session of a client has one place until its lease ends, is given back, or is
 * taken anew with a greater number. Numbers that only grow tell what was overtaken from what overtook it (M. Kleppmann, How to do distributed
 * locking, 2016).
 */
import { BoundedMap } from '@skein/core'
import { MAX_SESSION_LEASE_LIFE_MS } from '@skein/records'
import { requestProblem } from './session-question.ts'
import type { Machine } from '@skein/core'
import type { SessionRefusal, SessionRequest } from './session-question.ts'
import type { TermState } from './super-node-term.ts'

export interface SessionPlacesInit {
  /** Streams at once */
  capacity: number
  /** Places of one client: peers with many streams are rare, and those who want all the places are not @default 4 */
  maxPerOwner?: number
  /** Places of clients of one /24 (/48): a client may have as many keys as it likes @default 16 */
  maxPerNetwork?: number
  /** @default 300_000 */
  leaseMs?: number
  /**
   * Sessions that are over whose last number is remembered, the latest ones.
   *
   * @default 4_096
   */
  maxEnded?: number
}

/** Who asks: known by the connection. */
export interface SessionOwner {
  peer: string
  /** `192.0.2.0/24`; left out where it is not known */
  network?: string
}

/**
 * - `admit`: from now on the token lets a stream in
 * - `revoke`: and from now on it does not
 */
export type PlaceEffect =
  | { type: 'admit', sessionId: string, streamToken: string, fence: number }
  | { type: 'revoke', sessionId: string, fence: number }

export type SessionVerdict =
  | { outcome: 'held', sessionId: string, fence: number, issuedAtMs: number, expiresAtMs: number, leaving: boolean }
  | { outcome: 'given' }
  | { outcome: 'refused', refusal: SessionRefusal, retryAfterMs?: number }

interface Place extends SessionOwner {
  streamToken: string
  fence: number
  untilMs: number
}

export class SessionPlaces implements Machine<PlaceEffect> {
  readonly capacity: number
  private readonly maxPerOwner: number
  private readonly maxPerNetwork: number
  private readonly leaseMs: number
  /** Those renewed longest ago, and so over first, come first */
  private readonly places = new Map<string, Place>()
  /** The greatest number heard of each session that has no place */
  private readonly ended: BoundedMap<string, number>
  private readonly effects: PlaceEffect[] = []
  private seat: TermState = 'idle'

  /** @throws {RangeError} for a lease longer than clients accept */
  constructor (init: SessionPlacesInit) {
    this.capacity = init.capacity
    this.maxPerOwner = init.maxPerOwner ?? 4
    this.maxPerNetwork = init.maxPerNetwork ?? 16
    this.leaseMs = init.leaseMs ?? MAX_SESSION_LEASE_LIFE_MS
    this.ended = new BoundedMap({ maxSize: init.maxEnded ?? 4_096 })
    if (!(this.leaseMs > 0 && this.leaseMs <= MAX_SESSION_LEASE_LIFE_MS)) {
      throw new RangeError(`A session's lease of ${this.leaseMs} ms; clients accept up to ${MAX_SESSION_LEASE_LIFE_MS} ms`)
    }
  }

  /** Places that are taken. */
  get taken (): number {
    return this.places.size
  }

  /** Without a seat nobody new is taken. Who is here stays: it is told that this super-node leaves, and its lease runs out where it does not go. */
  onSeat (seat: TermState): void {
    this.seat = seat
  }

  onRequest (owner: SessionOwner, request: SessionRequest, nowMs: number): SessionVerdict {
    this.onTimeout(nowMs)
    if (requestProblem(request) !== undefined) {
      return refused('bad_request')
    }
    const sessionId = `${owner.peer}/${request.session}`
    const place = this.places.get(sessionId)
    const heard = place?.fence ?? this.ended.get(sessionId) ?? 0
    // the number of a place that is over is used up; that of one which stands may be told again
    if (request.fence < heard || (request.fence === heard && place === undefined && request.action === 'take')) {
      return refused('stale_fence')
    }
    switch (request.action) {
      case 'take': return this.take(sessionId, place, owner, request, nowMs)
      case 'renew': return place === undefined || place.fence !== request.fence ? refused('unknown') : this.renew(sessionId, place, nowMs)
      case 'give': return this.give(sessionId, request.fence)
    }
  }

  /** What carries the streams did not take it. */
  onAdmitFailed (sessionId: string, fence: number): void {
    if (this.places.get(sessionId)?.fence === fence) {
      this.places.delete(sessionId)
      this.ended.set(sessionId, fence)
    }
  }

  /** Nothing is carried any more. */
  onStop (): void {
    for (const [sessionId, { fence }] of this.places) {
      this.end(sessionId, fence)
    }
  }

  onTimeout (nowMs: number): void {
    for (const [sessionId, { untilMs, fence }] of this.places) {
      if (untilMs > nowMs) {
        break
      }
      this.end(sessionId, fence)
    }
  }

  poll (): PlaceEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    const [first] = this.places.values()
    return first?.untilMs
  }

  private take (
    sessionId: string, place: Place | undefined, owner: SessionOwner, { streamToken, fence }: SessionRequest, nowMs: number
  ): SessionVerdict {
    if (place === undefined) {
      const refusal = this.whyNot(owner)
      if (refusal !== undefined) {
        return refusal === 'full' ? refused(refusal, Math.max(1, (this.nextTimeoutMs() ?? nowMs) - nowMs)) : refused(refusal)
      }
    } else if (place.fence === fence && place.streamToken !== streamToken) {
      return refused('bad_request')
    }
    if (place === undefined || place.fence < fence) {
      this.effects.push({ type: 'admit', sessionId, streamToken, fence })
    }
    this.ended.delete(sessionId)
    return this.renew(sessionId, { ...owner, streamToken, fence, untilMs: 0 }, nowMs)
  }

  private whyNot ({ peer, network }: SessionOwner): SessionRefusal | undefined {
    if (this.seat !== 'holding') {
      return 'no_seat'
    }
    const all = [...this.places.values()]
    if (all.filter(place => place.peer === peer).length >= this.maxPerOwner ||
      (network !== undefined && all.filter(place => place.network === network).length >= this.maxPerNetwork)) {
      return 'too_many'
    }
    return all.length >= this.capacity ? 'full' : undefined
  }

  private renew (sessionId: string, place: Place, nowMs: number): SessionVerdict {
    const untilMs = nowMs + this.leaseMs
    this.places.delete(sessionId)
    this.places.set(sessionId, { ...place, untilMs })
    return { outcome: 'held', sessionId, fence: place.fence, issuedAtMs: nowMs, expiresAtMs: untilMs, leaving: this.seat !== 'holding' }
  }

  /** Also of a place that is still to be taken: a question that comes late finds its number used up. */
  private give (sessionId: string, fence: number): SessionVerdict {
    if (this.places.has(sessionId)) {
      this.end(sessionId, fence)
    } else {
      this.ended.set(sessionId, fence)
    }
    return { outcome: 'given' }
  }

  private end (sessionId: string, fence: number): void {
    this.places.delete(sessionId)
    this.ended.set(sessionId, fence)
    this.effects.push({ type: 'revoke', sessionId, fence })
  }
}

function refused (refusal: SessionRefusal, retryAfterMs?: number): SessionVerdict {
  return { outcome: 'refused', refusal, ...retryAfterMs === undefined ? {} : { retryAfterMs } }
}
