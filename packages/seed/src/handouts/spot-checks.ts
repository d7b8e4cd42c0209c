/**
 * Looks for registered peers at random, so that a seed knows whether those it names to newcomers are there: it dials one now and then, as a newcomer
 * would, and hangs up. Peers that can only be reached through a relay are not looked for.
 */
import { multiaddr } from '@multiformats/multiaddr'
import { deadline, randomFloat } from '@skein/core'
import { readCapabilities } from '@skein/records'
import { PRESENCE_SERVICE } from './handout-order.ts'
import type { Registry } from '../registry/registry.ts'
import type { Libp2p } from '@libp2p/interface'
import type { Cancel, Clock, Random } from '@skein/core'
import type { ReputationLedger } from '@skein/reputation'

export interface SpotChecksInit {
  /**
   * Between two, ms on average; 0: none. One costs a handshake, some 3 ms of CPU here and there.
   *
   * @default 15_000
   */
  intervalMs?: number
  libp2p: Pick<Libp2p, 'dial' | 'peerId'>
  registry: () => Pick<Registry, 'sample'>
  ledger: Pick<ReputationLedger, 'onEvidence'>
  clock: Clock
  random: Random
}

export interface SpotCheckCounters {
  found_total: number
  missing_total: number
}

const DIAL_TIMEOUT_MS = 5_000
/** Of one peer: as many as a newcomer tries. */
const MAX_ADDRESSES = 4

export class SpotChecks {
  readonly counters: SpotCheckCounters = { found_total: 0, missing_total: 0 }
  private readonly init: SpotChecksInit
  private readonly intervalMs: number
  private readonly stopped = new AbortController()
  private cancel?: Cancel

  constructor (init: SpotChecksInit) {
    this.init = init
    this.intervalMs = init.intervalMs ?? 15_000
  }

  start (): void {
    if (this.intervalMs > 0 && !this.stopped.signal.aborted) {
      const { clock, random } = this.init
      this.cancel = clock.schedule(clock.nowMs() + this.intervalMs * (0.5 + randomFloat(random)), () => {
        void this.check().finally(() => { this.start() })
      })
    }
  }

  stop (): void {
    this.cancel?.()
    this.stopped.abort(new Error('The seed stops'))
  }

  /** Looks for one peer now. */
  async check (): Promise<void> {
    const { libp2p, registry, ledger, clock, random } = this.init
    const self = libp2p.peerId.toString()
    const [envelope] = await registry().sample(1, self, clock.nowMs(), random).catch(() => [])
    if (envelope === undefined) {
      return
    }
    const { peer, addresses } = readCapabilities(envelope)
    const direct = addresses.filter(address => !address.includes('/p2p-circuit')).slice(0, MAX_ADDRESSES)
    if (direct.length === 0 || peer === self) {
      return
    }
    const limit = deadline(clock, DIAL_TIMEOUT_MS, [this.stopped.signal])
    try {
      // a new one though it may be connected: whether others can dial it is the question
      const connection = await libp2p.dial(direct.map(address => multiaddr(`${address}/p2p/${peer}`)), { signal: limit.signal, force: true })
      this.counters.found_total++
      ledger.onEvidence(peer, PRESENCE_SERVICE, { good: 1 }, clock.nowMs())
      await connection.close()
    } catch {
      if (!this.stopped.signal.aborted) {
        this.counters.missing_total++
        ledger.onEvidence(peer, PRESENCE_SERVICE, { bad: 1 }, clock.nowMs())
      }
    } finally {
      limit.clear()
    }
  }
}
