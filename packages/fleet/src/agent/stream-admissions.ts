/**
 * What a relay node remembers of the streams that it was told to carry. Numbers that only grow tell a control plane that was overtaken from the one
 * that overtook it (M. Kleppmann, How to do distributed locking, 2016): also for a stream that was revoked before it was admitted.
 */
import { NodeRefusedError } from './node-agent.ts'
import type { AdmitRequest, RevokeRequest } from './node-agent.ts'

export interface StreamAdmissionsInit {
  /** Streams at once */
  capacity: number
  /**
   * Revoked sessions whose last number is remembered. A session whose number was forgotten could be admitted again by a message that was under way
   * for as long as it takes to revoke this many others.
   *
   * @default 4_096
   */
  maxRevoked?: number
}

export class StreamAdmissions {
  readonly capacity: number
  draining = false
  private readonly maxRevoked: number
  private readonly admitted = new Map<string, AdmitRequest>()
  private readonly sessionsByToken = new Map<string, string>()
  /** The greatest number heard for each session that is not admitted, the oldest first */
  private readonly revoked = new Map<string, number>()

  constructor ({ capacity, maxRevoked = 4_096 }: StreamAdmissionsInit) {
    this.capacity = capacity
    this.maxRevoked = maxRevoked
  }

  /** @throws {NodeRefusedError} */
  admit (request: AdmitRequest): void {
    const { sessionId, streamToken, fence } = request
    const current = this.admitted.get(sessionId)
    const heard = current?.fence ?? this.revoked.get(sessionId) ?? -1
    // a number that was revoked is used up; one that was admitted may be told again
    if (fence < heard || (fence === heard && current === undefined)) {
      throw new NodeRefusedError('stale_fence', `Session ${sessionId} is past ${fence}: ${heard} was heard`)
    }
    if (current === undefined && this.draining) {
      throw new NodeRefusedError('draining', 'This node takes no new streams')
    }
    if (current === undefined && this.admitted.size >= this.capacity) {
      throw new NodeRefusedError('full', `This node carries ${this.capacity} streams already`)
    }
    const holder = this.sessionsByToken.get(streamToken)
    if (holder !== undefined && holder !== sessionId) {
      throw new NodeRefusedError('bad_request', 'The stream token belongs to another session')
    }
    if (current !== undefined) {
      this.sessionsByToken.delete(current.streamToken)
    }
    this.revoked.delete(sessionId)
    this.admitted.set(sessionId, request)
    this.sessionsByToken.set(streamToken, sessionId)
  }

  /** @returns false when it was not admitted @throws {NodeRefusedError} when a greater number was heard */
  revoke ({ sessionId, fence }: RevokeRequest): boolean {
    const current = this.admitted.get(sessionId)
    const heard = current?.fence ?? this.revoked.get(sessionId) ?? -1
    if (fence < heard) {
      throw new NodeRefusedError('stale_fence', `Session ${sessionId} is past ${fence}: ${heard} was heard`)
    }
    if (current !== undefined) {
      this.admitted.delete(sessionId)
      this.sessionsByToken.delete(current.streamToken)
    }
    this.revoked.delete(sessionId)
    this.revoked.set(sessionId, fence)
    if (this.revoked.size > this.maxRevoked) {
      this.revoked.delete(this.revoked.keys().next().value as string)
    }
    return current !== undefined
  }

  /** The session of a token, for who publishes or plays; `undefined`: refuse it. */
  sessionOf (streamToken: string): string | undefined {
    return this.sessionsByToken.get(streamToken)
  }

  list (): AdmitRequest[] {
    return [...this.admitted.values()]
  }
}
