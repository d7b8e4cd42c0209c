/** Asks who coordinates the cluster where there is capacity for a model, and remembers the answer for a moment. */
import { BoundedMap, deadline, DeadlineError, sleep } from '@skein/core'
import { decodeAnswer, encodeMessage } from '../cluster-message.ts'
import type { RegionAnswer } from '../digest-exchange.ts'
import type { ClusterStreams } from './cluster-streams.ts'
import type { Clock } from '@skein/core'

/** Nobody who coordinates this cluster answered in time: ask the DHT, or again later. */
export class NoCoordinatorError extends Error {
  static override readonly name = 'NoCoordinatorError'
  override readonly name = 'NoCoordinatorError'
  /** The cluster */
  readonly scope: string
  /** Who was asked last */
  readonly coordinator: string | undefined

  constructor (scope: string, coordinator: string | undefined, options?: ErrorOptions) {
    super(`No coordinator of ${scope} answered in time${coordinator === undefined ? '' : `; ${coordinator} was asked`}`, options)
    this.scope = scope
    this.coordinator = coordinator
  }
}

export interface WhereClientInit {
  clock: Clock
  streams: ClusterStreams
  /** What this peer knows itself, as a coordinator */
  own: (model: string) => RegionAnswer[] | undefined
  coordinator: () => { scope: string, peer: string | undefined, isSelf: boolean, addresses: string[] }
  onUnreachable: (peer: string) => void
}

const ANSWER_LIFE_MS = 5000
const MAX_ANSWERS = 256
const RETRY_MS = 500

export class WhereClient {
  private readonly init: WhereClientInit
  private readonly answers = new BoundedMap<string, { regions: RegionAnswer[], atMs: number }>({ maxSize: MAX_ANSWERS })

  constructor (init: WhereClientInit) {
    this.init = init
  }

  /** @throws {NoCoordinatorError} */
  async where (model: string, { signal, timeoutMs }: { signal?: AbortSignal, timeoutMs: number }): Promise<RegionAnswer[]> {
    const { clock, coordinator } = this.init
    const known = this.answers.get(model)
    if (known !== undefined && clock.nowMs() - known.atMs < ANSWER_LIFE_MS) {
      return known.regions
    }
    const limit = deadline(clock, timeoutMs, [signal])
    try {
      for (;;) {
        const regions = await this.ask(model, limit.signal)
        if (regions !== undefined) {
          this.answers.set(model, { regions, atMs: clock.nowMs() })
          return regions
        }
        await sleep(clock, RETRY_MS, { signal: limit.signal })
      }
    } catch (error) {
      if (!(error instanceof DeadlineError)) {
        throw error
      }
      const { scope, peer } = coordinator()
      throw new NoCoordinatorError(scope, peer, { cause: error })
    } finally {
      limit.clear()
    }
  }

  clear (): void {
    this.answers.clear()
  }

  private async ask (model: string, signal: AbortSignal): Promise<RegionAnswer[] | undefined> {
    const { own, coordinator, streams, onUnreachable } = this.init
    const { peer, isSelf, addresses } = coordinator()
    if (peer === undefined || isSelf) {
      return own(model)
    }
    try {
      const bytes = await streams.send(peer, addresses, encodeMessage({ type: 'where', model }), true, signal)
      const answer = decodeAnswer(bytes as Uint8Array)
      return answer.type === 'where' ? answer.regions : undefined
    } catch {
      signal.throwIfAborted()
      onUnreachable(peer)
      return undefined
    }
  }
}
