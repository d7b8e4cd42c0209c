/**
 * Gives sessions a place at an elected super-node, with no control plane: the super-node holds the session's lease, and this client renews it over
 * `/skein/lease/1.0.0`, moves it when the super-node dies or leaves, and points the name there.
 */
import { deadline, DeadlineError } from '@skein/core'
import { NodeUnreachableError } from '../agent/node-agent.ts'
import { NoCapacityError } from '../provision/provisioner.ts'
import { TrackedSteps } from '../provision/tracked-steps.ts'
import { StaleFenceError } from '../store/store-error.ts'
import { NameUpkeep } from './name-upkeep.ts'
import type { Clock } from '@skein/core'
import type { SessionLease } from '@skein/records'
import type { SessionLeases, SessionLeasesEvents } from '@skein/supernode/libp2p'
import type { DeprovisionRequest, NamePublisher, Provisioner, ProvisionOptions, ProvisionRequest } from '../provision/provisioner.ts'
import type { RelayPlace } from '../store/session-record.ts'

/** What is asked of `SessionLeases` of `@skein/supernode`. */
export type MeshLeases = Pick<SessionLeases,
'hold' | 'give' | 'check' | 'leaseOf' | 'remainingMs' | 'addEventListener' | 'removeEventListener'>

export interface MeshProvisionerInit {
  leases: MeshLeases
  /** @default names are not published */
  names?: NamePublisher
  clock: Clock
  /** A super-node is looked for, and asked, no longer than this, ms @default 20_000 */
  timeoutMs?: number
  /** A session is carried elsewhere now; the place it had goes on for two minutes, if its super-node lives */
  onMoved?: (sessionId: string, place: RelayPlace) => void
  /** @default () => {} */
  onProblem?: (message: string, error: Error) => void
}

/** Another process with the same key has taken the session. */
export class SessionOvertakenError extends Error {
  static override name = 'SessionOvertakenError'
  override readonly name = 'SessionOvertakenError'
  readonly sessionId: string

  constructor (sessionId: string) {
    super(`Session ${sessionId} was taken by another process with the same key: stop one of them, or give each a key of its own`)
    this.sessionId = sessionId
  }
}

export class MeshProvisioner implements Provisioner {
  private readonly init: MeshProvisionerInit
  private readonly names: NameUpkeep
  /** As many as `leases` holds */
  private readonly fences = new Map<string, number>()

  constructor (init: MeshProvisionerInit) {
    this.init = init
    this.names = new NameUpkeep(init)
    init.leases.addEventListener('session:placed', this.onPlaced)
  }

  /** Sessions are held for as long as their leases run; nothing is told of them any more. */
  close (): void {
    this.init.leases.removeEventListener('session:placed', this.onPlaced)
    this.names.close()
  }

  /** Where a session is carried now; `undefined` while it is nowhere. */
  placeOf (sessionId: string): RelayPlace | undefined {
    const lease = this.init.leases.leaseOf(sessionId)
    return lease && placeOf(lease)
  }

  async provision (request: ProvisionRequest, options: ProvisionOptions = {}): Promise<RelayPlace> {
    const { leases, clock, timeoutMs = 20_000 } = this.init
    const { sessionId, fence, region, streamToken, name } = request
    this.checkFence(request)
    this.fences.set(sessionId, fence)
    const steps = new TrackedSteps(clock, options)
    const limit = deadline(clock, timeoutMs, [options.signal])
    const within = { ...options, signal: limit.signal }
    try {
      await steps.begin('launching_instance')
      if (leases.leaseOf(sessionId) === undefined) {
        const asked = this.told('session:asked', sessionId, within.signal)
        const placed = this.told('session:placed', sessionId, within.signal)
        placed.catch(() => {}) // when nobody is asked, nobody waits for it
        leases.hold({ session: sessionId, streamToken, region })
        await asked
        await steps.begin('waiting_for_instance')
        await placed
      } else {
        await steps.begin('waiting_for_instance')
      }
      await steps.begin('admitting_stream')
      await steps.begin('publishing_name')
      const place = this.placeOf(sessionId)
      if (place !== undefined) {
        await this.names.point(sessionId, name, place.ingestHost, within.signal)
      }
      await steps.begin('checking_relay')
      const carried = this.told('session:renewed', sessionId, within.signal)
      leases.check(sessionId)
      const { lease } = await carried
      await steps.finish()
      return placeOf(lease)
    } catch (error) {
      await this.giveUp(sessionId, fence)
      options.signal?.throwIfAborted()
      throw error instanceof DeadlineError ? this.problem(sessionId, region, error) : error
    } finally {
      limit.clear()
    }
  }

  async deprovision (request: DeprovisionRequest): Promise<void> {
    this.checkFence(request)
    await this.giveUp(request.sessionId, request.fence)
  }

  private checkFence ({ sessionId, fence }: DeprovisionRequest): void {
    if (fence < (this.fences.get(sessionId) ?? 0)) {
      throw new StaleFenceError(sessionId, fence)
    }
  }

  private async giveUp (sessionId: string, fence: number): Promise<void> {
    if ((this.fences.get(sessionId) ?? fence) <= fence) {
      this.fences.delete(sessionId)
      await this.names.drop(sessionId)
      await this.init.leases.give(sessionId)
    }
  }

  private problem (sessionId: string, region: string, error: Error): Error {
    const holder = this.init.leases.leaseOf(sessionId)?.holder
    return holder === undefined ? new NoCapacityError(region) : new NodeUnreachableError(holder, error.message, { cause: error })
  }

  /** The next that is told of the session. */
  private async told<T extends 'session:asked' | 'session:placed' | 'session:renewed'> (
    type: T, sessionId: string, signal: AbortSignal
  ): Promise<SessionLeasesEvents[T]['detail']> {
    const { leases } = this.init
    const { promise, resolve, reject } = Promise.withResolvers<SessionLeasesEvents[T]['detail']>()
    const onTold = ({ detail }: SessionLeasesEvents[T]): void => {
      if (detail.session === sessionId) {
        resolve(detail)
      }
    }
    const onLost = ({ detail }: SessionLeasesEvents['session:lost']): void => {
      if (detail.session === sessionId && detail.why === 'overtaken') {
        reject(new SessionOvertakenError(sessionId))
      }
    }
    const onAbort = (): void => { reject(signal.reason as Error) }
    leases.addEventListener(type, onTold as never)
    leases.addEventListener('session:lost', onLost)
    signal.addEventListener('abort', onAbort)
    const forget = (): void => {
      leases.removeEventListener(type, onTold as never)
      leases.removeEventListener('session:lost', onLost)
      signal.removeEventListener('abort', onAbort)
    }
    promise.then(forget, forget)
    return await promise
  }

  private readonly onPlaced = ({ detail: { session, lease } }: SessionLeasesEvents['session:placed']): void => {
    if (this.fences.has(session)) {
      const place = placeOf(lease)
      // the first place of a session is pointed at by `provision`, which tells of what fails
      if (this.names.follow(session, place.ingestHost)) {
        this.init.onMoved?.(session, place)
      }
    }
  }
}

function placeOf ({ holder, place }: SessionLease): RelayPlace {
  return { instanceId: holder, ...place }
}
