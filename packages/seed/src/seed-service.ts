/** The seed's side of `/skein/seed/1.0.0`, as a libp2p service. */
import { pbStream } from '@libp2p/utils'
import { BoundedMap, deadline, TokenBucket } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import {
  MAX_SEED_MESSAGE_BYTES, MAX_SEED_MODELS, MAX_SEED_PEERS, openCapabilities, PROTOCOLS, RecordError, SeedRequest, SeedResponse
} from '@skein/records'
import { RegistrationTable, TableFullError } from './registration-table.ts'
import type { ComponentLogger, Connection, Logger, Startable, Stream } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import type { Clock, Random } from '@skein/core'
import type { SeedModel } from '@skein/records'

export interface SeedServiceInit {
  /** @default 100_000 */
  maxRegistrations?: number
  /** @default systemClock() */
  clock?: Clock
  /** @default systemRandom() */
  random?: Random
}

export interface SeedServiceComponents {
  registrar: Registrar
  logger: ComponentLogger
}

export interface SeedCounters {
  requests: number
  registered: number
  /** By reason */
  refused: Record<string, number>
}

/** A request must be in and answered within this time, ms. */
const EXCHANGE_TIMEOUT_MS = 10_000
/** A peer's requests: a burst for a start with several changes, then one in 5 s. */
const REQUEST_RATE = { ratePerSecond: 0.2, burst: 20 }
const MAX_RATED_PEERS = 16_384
const MAX_STREAMS_PER_CONNECTION = 4

/** Registers peers and tells newcomers of some of them: `services: { seed: seedService() }`. */
export function seedService (init: SeedServiceInit = {}): (components: SeedServiceComponents) => SeedService {
  return components => new SeedService(components, init)
}

export class SeedService implements Startable {
  readonly table: RegistrationTable
  readonly counters: SeedCounters = { requests: 0, registered: 0, refused: {} }
  private readonly registrar: Registrar
  private readonly log: Logger
  private readonly clock: Clock
  private readonly random: Random
  private readonly buckets = new BoundedMap<string, TokenBucket>({ maxSize: MAX_RATED_PEERS })

  constructor (components: SeedServiceComponents, init: SeedServiceInit) {
    this.registrar = components.registrar
    this.log = components.logger.forComponent('skein:seed')
    this.clock = init.clock ?? systemClock()
    this.random = init.random ?? systemRandom()
    this.table = new RegistrationTable(init)
  }

  async start (): Promise<void> {
    await this.registrar.handle(PROTOCOLS.seed, (stream, connection) => { void this.onStream(stream, connection) }, {
      maxInboundStreams: MAX_STREAMS_PER_CONNECTION,
      runOnLimitedConnection: true
    })
  }

  async stop (): Promise<void> {
    await this.registrar.unhandle(PROTOCOLS.seed)
  }

  models (count = MAX_SEED_MODELS): SeedModel[] {
    return this.table.models(count, this.clock.nowMs())
  }

  private async onStream (stream: Stream, connection: Connection): Promise<void> {
    const limit = deadline(this.clock, EXCHANGE_TIMEOUT_MS)
    try {
      const messages = pbStream(stream, { maxDataLength: MAX_SEED_MESSAGE_BYTES })
      const request = await messages.read(SeedRequest, { signal: limit.signal })
      await messages.write(await this.answer(connection.remotePeer.toString(), request), SeedResponse, { signal: limit.signal })
      await stream.close({ signal: limit.signal })
    } catch (error) {
      this.log('exchange with %p failed: %s', connection.remotePeer, (error as Error).message)
      stream.abort(error as Error)
    } finally {
      limit.clear()
    }
  }

  private async answer (peer: string, request: SeedRequest): Promise<SeedResponse> {
    this.counters.requests++
    const nowMs = this.clock.nowMs()
    const waitMs = this.waitMs(peer, nowMs)
    if (waitMs > 0) {
      return { ...this.refusal('too_early', `Ask again in ${Math.ceil(waitMs / 1000)} s`), retryAfterMs: waitMs }
    }

    const response: SeedResponse = {
      refused: '',
      message: '',
      lifeMs: 0,
      retryAfterMs: 0,
      peers: this.table.pick(Math.min(request.wantPeers, MAX_SEED_PEERS), peer, nowMs, this.random)
        .map(registration => Uint8Array.from(registration.envelope)),
      models: request.wantModels === 0 ? [] : this.table.models(Math.min(request.wantModels, MAX_SEED_MODELS), nowMs)
    }
    if (request.capabilities.length === 0) {
      return response
    }
    try {
      return { ...response, lifeMs: await this.register(peer, request, nowMs) }
    } catch (error) {
      const { refused, message } = error instanceof RecordError
        ? this.refusal(error.reason, error.message)
        : this.refusal(error instanceof TableFullError ? 'full' : 'malformed', (error as Error).message)
      return { ...response, refused, message, retryAfterMs: 10_000 }
    }
  }

  private async register (peer: string, request: SeedRequest, nowMs: number): Promise<number> {
    const { capabilities } = await openCapabilities(request.capabilities, nowMs)
    if (capabilities.peer !== peer) {
      throw new RecordError('wrong_signer', 'Only the peer itself can register')
    }
    this.table.register({ capabilities, envelope: Uint8Array.from(request.capabilities) }, nowMs)
    this.counters.registered++
    return capabilities.expiresAtMs - nowMs
  }

  private refusal (refused: string, message: string): SeedResponse {
    this.counters.refused[refused] = (this.counters.refused[refused] ?? 0) + 1
    return { refused, message, lifeMs: 0, retryAfterMs: 0, peers: [], models: [] }
  }

  private waitMs (peer: string, nowMs: number): number {
    let bucket = this.buckets.touch(peer)
    if (bucket == null) {
      bucket = new TokenBucket(REQUEST_RATE, nowMs)
      this.buckets.set(peer, bucket)
    }
    return bucket.take(1, nowMs) ? 0 : bucket.waitMs(1, nowMs)
  }
}
