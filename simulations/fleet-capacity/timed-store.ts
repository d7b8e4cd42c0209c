/** The store of a simulated fleet: the one that ships, with calls that take time and wait for a connection; and every pick compared with the rule. */
import { sleep } from '@skein/core'
import { pickNode } from '@skein/fleet'
import type { Clock } from '@skein/core'
import type { Assignment, AssignRequest, FleetStore } from '@skein/fleet'

/** Knows whether anything that the store was asked is unanswered: where SQLite is in another thread, that takes time that is none of the world's. */
export class StoreCalls {
  readonly store: FleetStore
  private unanswered = 0

  constructor (store: FleetStore) {
    this.store = new Proxy(store, {
      get: (target, name) => {
        const member = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>
        return async (...args: unknown[]) => {
          this.unanswered++
          try {
            return await Reflect.apply(member, target, args) as unknown
          } finally {
            this.unanswered--
          }
        }
      }
    })
  }

  get isBusy (): boolean {
    return this.unanswered > 0
  }
}

export interface TimedStoreInit {
  store: FleetStore
  clock: Clock
  /** A call takes so long */
  callMs: number
  /** Calls at once; more wait their turn */
  connections: number
  /** Told of each place that was asked for: whether it is the one that the rule gives, and whether there was one */
  onPick: (pick: { isRight: boolean, found: boolean }) => void
}

export function timedStore ({ store, clock, callMs, connections, onPick }: TimedStoreInit): FleetStore {
  let busy = 0
  const waiting: Array<() => void> = []

  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    if (busy >= connections) {
      await new Promise<void>(resolve => { waiting.push(resolve) })
    } else {
      busy++
    }
    try {
      await sleep(clock, callMs)
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) {
        busy--
      } else {
        next()
      }
    }
  }

  /** The three questions are asked in one go, so that nothing comes between them. */
  const assign = async (request: AssignRequest): Promise<Assignment | undefined> => {
    const [nodes, places, assignment] = await Promise.all([
      store.nodes(), store.assignments({ sessionId: request.sessionId }), store.assign(request)
    ])
    if (!places.some(({ role }) => role === 'held')) {
      const avoid = [...request.avoid ?? [], ...places.map(({ nodeId }) => nodeId)]
      onPick({ isRight: pickNode(nodes, { ...request, avoid })?.id === assignment?.nodeId, found: assignment !== undefined })
    }
    return assignment
  }

  return new Proxy(store, {
    get: (target, name) => {
      const member = name === 'assign' ? assign : Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>
      return async (...args: never[]) => await inTurn(async () => await Reflect.apply(member, target, args) as unknown)
    }
  })
}
