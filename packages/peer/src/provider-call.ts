/**
 * One request to one provider: over the best path that carries, and given up for another when nothing comes over it. Before the first content that is
 * soon; an answer under way waits longer, and where it cannot be had again from elsewhere until the connection is given up. A circuit that cannot
 * carry the answer is not begun on: another one may.
 */
import { peerIdFromString } from '@libp2p/peer-id'
import { deadline } from '@skein/core'
import { InferenceError } from '@skein/inference'
import { circuitsByRelay } from './dials/dial-candidates.ts'
import { awaitBetterPath, connectionTo, dialOffered, pathOf } from './paths/call-connections.ts'
import { circuitNeed, circuitWindowBytes, fitsCircuit, relayLimitError, roomOf } from './relay/circuit-fit.ts'
import type { Connection, Libp2p, PeerId } from '@libp2p/interface'
import type { Clock, Random } from '@skein/core'
import type { InferenceEvent, InferenceRequest } from '@skein/inference'
import type { InferenceCall } from '@skein/inference/libp2p'
import type { Offer } from '@skein/records'
import type { SkeinServices } from './mesh-options.ts'
import type { PeerPaths } from './paths/peer-paths.ts'
import type { PathKind } from './ranking.ts'

export interface ProviderCallInit {
  libp2p: Libp2p<SkeinServices>
  /** Not there without relays, or when it is turned off */
  paths?: Pick<PeerPaths, 'pathOf' | 'connectionTo' | 'isSilent' | 'pathTo' | 'patienceMs' | 'use'>
  clock: Clock
  random: Random
}

export interface ProviderCallOptions {
  signal: AbortSignal
  timeoutMs: number
  firstDeltaTimeoutMs: number
  /** What was given of the answer can be had again, from this provider or another @default false */
  resumable?: () => boolean
}

/** Looks on while an answer is read. */
export type Observe = (answer: AsyncIterable<InferenceEvent>) => AsyncIterable<InferenceEvent>

/**
 * Where nothing comes over what stood, ms: a peer whose address is another one is reached anew within moments, or is asked again soon. A relay that
 * has not noticed yet would be waited for longer.
 */
const REPLACE_TIMEOUT_MS = 4_000

export class ProviderCall implements AsyncIterable<InferenceEvent> {
  private readonly init: ProviderCallInit
  private readonly offer: Offer
  private readonly request: InferenceRequest
  private readonly options: ProviderCallOptions
  private readonly observe: Observe
  private readonly peer: PeerId
  private call: InferenceCall | undefined

  constructor (init: ProviderCallInit, offer: Offer, request: InferenceRequest, options: ProviderCallOptions, observe: Observe) {
    this.init = init
    this.offer = offer
    this.request = request
    this.options = options
    this.observe = observe
    this.peer = peerIdFromString(offer.peer)
  }

  path (): PathKind {
    const connection = this.call?.connection ?? connectionTo(this.init, this.peer)
    return connection === undefined ? 'unconnected' : pathOf(this.init, connection)
  }

  async * [Symbol.asyncIterator] (): AsyncGenerator<InferenceEvent, void, undefined> {
    const { libp2p: { services: { inference } }, paths, clock } = this.init
    const startMs = clock.nowMs()
    const connection = await this.connected()
    const { signal } = this.options
    const call = inference.call(connection, this.request, {
      signal,
      windowBytes: circuitWindowBytes(connection.limits),
      timeoutMs: Math.max(1, this.options.timeoutMs - (clock.nowMs() - startMs)),
      firstDeltaTimeoutMs: Math.max(1, this.options.firstDeltaTimeoutMs - (clock.nowMs() - startMs))
    })
    this.call = call
    let deltas = 0
    const release = paths?.use(connection, silence => {
      if (deltas === 0 || (silence !== 'silent' && this.options.resumable?.() === true)) {
        const where = deltas === 0 ? 'before the first delta' : `after ${deltas} deltas`
        call.cancel(new InferenceError('stream_truncated', `Nothing comes over the ${this.path()} path any more, ${where}`))
      }
    })
    try {
      for await (const event of this.observe(call)) {
        deltas += event.type === 'delta' || event.type === 'tool' ? 1 : 0
        yield event
      }
    } finally {
      release?.()
    }
  }

  /** @throws {InferenceError} `connection_failed`; what aborted it, when the caller's signal fires */
  private async connected (): Promise<Connection> {
    const { libp2p, clock } = this.init
    const { signal, firstDeltaTimeoutMs } = this.options
    const { peer } = this.offer
    const standing = libp2p.getConnections(this.peer).length > 0
    const limit = deadline(clock, standing ? Math.min(REPLACE_TIMEOUT_MS, firstDeltaTimeoutMs) : firstDeltaTimeoutMs, [signal])
    try {
      const first = connectionTo(this.init, this.peer) ?? await dialOffered(this.init, this.offer, { signal: limit.signal, force: standing })
      if (first.limits !== undefined) {
        await awaitBetterPath(peer, this.init, limit.signal)
      }
      const connection = connectionTo(this.init, this.peer) ?? first
      return connection.limits === undefined ? connection : await this.withRoom(connection, limit.signal)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof InferenceError) {
        throw error
      }
      throw new InferenceError('connection_failed', `The peer could not be reached: ${(error as Error).message}`, { peer, cause: error })
    } finally {
      limit.clear()
    }
  }

  /**
   * This circuit or another one that carries the whole answer; one that carries a part, where the rest can be had over the next, or nobody said that
   * the answer would be so long.
   *
   * @throws {InferenceError} `relay_limit`
   */
  private async withRoom (circuit: Connection, signal: AbortSignal): Promise<Connection> {
    const { libp2p } = this.init
    const need = circuitNeed(this.request, this.offer.tokensPerSecond)
    const those = libp2p.getConnections(this.peer).filter(one => one.status === 'open' && this.init.paths?.isSilent(one) !== true)
    const known = [circuit, ...those].find(one => fitsCircuit(one.limits, need))
    if (known !== undefined) {
      return known
    }
    let best = circuit
    for (const through of circuitsByRelay(this.offer.addresses).values()) {
      const fresh = await dialOffered(this.init, { ...this.offer, addresses: through }, { signal, force: true }).catch(() => undefined)
      signal.throwIfAborted()
      if (fresh !== undefined && fitsCircuit(fresh.limits, need)) {
        return fresh
      }
      best = fresh !== undefined && roomOf(fresh.limits) > roomOf(best.limits) ? fresh : best
    }
    if (this.options.resumable?.() === true || !need.isBounded) {
      return best
    }
    throw relayLimitError(best.limits, need, this.offer.peer)
  }
}
