/** Does the work that the lives of sessions ask for: has them provisioned, moved and released, and says so at each step. */
import { StaleFenceError } from '../store/store-error.ts'
import { isToBeLeft } from './move-rules.ts'
import { UnknownProviderError } from './session-error.ts'
import type { NamePublisher, Provisioner } from '../provision/provisioner.ts'
import type { FleetStore } from '../store/fleet-store.ts'
import type { ProviderName, SessionRecord } from '../store/session-record.ts'
import type { FleetTime } from './fleet-time.ts'
import type { SessionEvent, SessionWork, Transition } from './session-life.ts'

export interface SessionWorkerInit {
  store: FleetStore
  provisioners: Partial<Record<ProviderName, Provisioner>>
  names: NamePublisher
  time: FleetTime
  moveDrainMs: number
  /** Fires when this process stops: whoever takes over sees to what is left */
  stopping: AbortSignal
  apply: (sessionId: string, event: SessionEvent, known?: SessionRecord) => Promise<Transition>
  onProblem?: (problem: { sessionId: string, work: SessionWork, error: Error }) => void
}

/** Places that sessions have left, looked at in one round. */
const MAX_LEFT = 200

export class SessionWorker {
  private readonly init: SessionWorkerInit

  constructor (init: SessionWorkerInit) {
    this.init = init
  }

  async provision (session: SessionRecord, signal: AbortSignal): Promise<void> {
    const { id, fence } = session
    const step = this.stepsOf(session)
    try {
      let steps = session.steps
      const place = await this.provisionerOf(session).provision({ ...session, sessionId: id }, {
        signal,
        onProgress: async progress => {
          steps = progress
          if (steps.at(-1)?.step !== 'ready') { // told with the place
            await step({ type: 'stepped', fence, steps })
          }
        }
      })
      await step({ type: 'provisioned', fence, place, steps })
    } catch (error) {
      if (this.init.stopping.aborted) {
        return // whoever takes over sees to it
      }
      if (error instanceof StaleFenceError) {
        await this.repoint(session, signal)
        return
      }
      await this.init.apply(id, { type: 'failed', fence, message: (error as Error).message })
      throw error
    }
  }

  async move (session: SessionRecord, signal: AbortSignal): Promise<void> {
    const { store, time } = this.init
    const { id, fence, userId, slot, place, move } = session
    const { mover } = this.provisionerOf(session)
    if (mover === undefined || place === undefined || move === undefined) {
      return
    }
    const step = this.stepsOf(session)
    const request = { ...session, sessionId: id, region: move.region, elsewhere: move.evacuates, currentId: place.instanceId }
    try {
      const next = await mover.move(request, { signal, onProgress: async steps => { await step({ type: 'stepped', fence, steps }) } })
      await step({ type: 'moved', fence, place: next })
      if (move.evacuates !== true) {
        await store.addMove(userId, slot, time.nowMs())
      }
    } catch (error) {
      if (this.init.stopping.aborted) {
        return
      }
      if (error instanceof StaleFenceError) {
        await this.repoint(session, signal)
        return
      }
      await mover.cancel(request, place, { signal })
      await this.init.apply(id, { type: 'moveFailed', fence, message: (error as Error).message })
      throw error
    }
  }

  async release (session: SessionRecord, signal: AbortSignal): Promise<void> {
    const { id, fence } = session
    await this.provisionerOf(session).deprovision({ sessionId: id, fence }, { signal })
    await this.init.apply(id, { type: 'released', fence }, session)
  }

  /** Gives back what sessions have left some time ago, and what they were going to when a move broke off. */
  async leavePlaces (): Promise<void> {
    const { store, time } = this.init
    for (const { sessionId, nodeId, role } of await store.movingAssignments(MAX_LEFT)) {
      const session = await store.session(sessionId)
      if (session !== undefined && role !== 'held' && isToBeLeft(role, session, time.nowMs(), this.init.moveDrainMs)) {
        const { fence } = session
        await this.provisionerOf(session).mover?.leave({ sessionId, fence, instanceId: nodeId }, { signal: this.init.stopping })
          .catch((error: Error) => { this.init.onProblem?.({ sessionId, work: 'release', error }) })
      }
    }
  }

  provisionerOf ({ provider }: SessionRecord): Provisioner {
    const provisioner = this.init.provisioners[provider]
    if (provisioner === undefined) {
      throw new UnknownProviderError(provider)
    }
    return provisioner
  }

  /** Each change by who works on the session, one after the other. */
  private stepsOf (session: SessionRecord): (event: SessionEvent) => Promise<void> {
    let known = session
    return async event => {
      const outcome = await this.init.apply(session.id, event, known)
      if (outcome.type === 'refused') {
        throw new StaleFenceError(session.id, session.fence)
      }
      known = outcome.session
    }
  }

  /** Whoever comes too late may have pointed the name at a place that another session of the slot has left: it is set right by the same hand. */
  private async repoint ({ userId, slot, name }: SessionRecord, signal: AbortSignal): Promise<void> {
    const place = (await this.init.store.liveSession(userId, slot))?.place
    if (place !== undefined) {
      await this.init.names.publish(name, place.ingestHost, { signal })
    }
  }
}
