/** A peer's receipts: made of what it is served and of what relays carry for it, agreed to for what it serves, and told to those who ask. */
import { CircuitReceipts } from './circuit-receipts.ts'
import { Dealings } from './dealings.ts'
import { WitnessTalk } from './witness-talk.ts'
import type { Libp2p } from '@libp2p/interface'
import type { Clock, Random } from '@skein/core'
import type { ReputationLedger } from '@skein/reputation'
import type { ReceiptKind } from '@skein/records'
import type { InferenceInit } from '@skein/inference/libp2p'
import type { ReceiptService, ReceiptsInit } from '@skein/reputation/libp2p'
import type { Measured } from './dealings.ts'
import type { ReputationOptions } from './reputation-options.ts'

export interface PeerReceiptsInit {
  options: ReputationOptions
  clock: Clock
  random: Random
}

export interface PeerReceiptsStart {
  libp2p: Libp2p
  service: ReceiptService
  ledger: ReputationLedger
  /** Whether this peer has a place at that relay */
  isReachedThrough: (relay: string) => boolean
}

const RECEIPT_LIFE_MS = 30 * 86_400_000

export class PeerReceipts {
  private readonly init: PeerReceiptsInit
  private running?: { dealings: Dealings, talk?: WitnessTalk, circuits: CircuitReceipts, start: PeerReceiptsStart }

  constructor (init: PeerReceiptsInit) {
    this.init = init
  }

  /** Of the service of the node that is to be started. */
  serviceInit (): ReceiptsInit {
    const { options: { tell = true, ratePerSecond, burst }, clock } = this.init
    return {
      ...ratePerSecond === undefined ? {} : { ratePerSecond },
      ...burst === undefined ? {} : { burst },
      clock,
      agree: receipt => this.running?.dealings.agree(receipt) ?? 'refuse',
      ...tell ? { tell: (peer, maxReceipts) => this.running?.start.ledger.receiptsToTell(peer, maxReceipts, clock.nowMs()) ?? [] } : {}
    }
  }

  /** The hooks of the inference service, before those that the user gave. */
  hooks ({ onServed, onCalled }: Pick<InferenceInit, 'onServed' | 'onCalled'> = {}): Pick<InferenceInit, 'onServed' | 'onCalled'> {
    return {
      onServed: call => {
        this.running?.dealings.onServed(call)
        onServed?.(call)
      },
      onCalled: call => {
        this.running?.dealings.onCalled(call)
        onCalled?.(call)
      }
    }
  }

  start (start: PeerReceiptsStart): void {
    const { options, clock, random } = this.init
    const { libp2p, service, ledger, isReachedThrough } = start
    const lifeMs = options.receiptLifeMs ?? RECEIPT_LIFE_MS
    const dealings = new Dealings({ service, ledger, lifeMs, clock, log: libp2p.logger.forComponent('skein:receipts') })
    this.running = {
      start,
      dealings,
      ...options.ask === false ? {} : { talk: new WitnessTalk({ libp2p, service, ledger, intervalMs: options.askIntervalMs, clock, random }) },
      circuits: new CircuitReceipts({
        libp2p, isReachedThrough, lifeMs, clock, random,
        periodMs: options.relayPeriodMs,
        settleMs: options.relaySettleMs,
        onDue: facts => { dealings.onDelivery(facts) }
      })
    }
    service.addEventListener('peer:offended', this.onOffended)
  }

  /** Offers that are under way have half a second. */
  async stop (): Promise<void> {
    const { running } = this
    running?.talk?.stop()
    running?.circuits.stop()
    await running?.dealings.stop()
    running?.start.service.removeEventListener('peer:offended', this.onOffended)
  }

  /** How receipts of a kind are judged that another offers for what this peer provided; those of requests it judges by itself. */
  judge (kind: ReceiptKind, measured: Measured): void {
    this.running?.dealings.judge(kind, measured)
  }

  /** What it has done, for metrics. */
  get counters (): { deliveries_total: number, unoffered_total: number, heard_total: Record<string, number> } {
    const { dealings, talk } = this.running ?? {}
    return { deliveries_total: 0, unoffered_total: 0, ...dealings?.counters, heard_total: { ...talk?.heard } }
  }

  /** Receipts that wait for their offer or its answer. */
  get waiting (): number {
    return this.running?.dealings.waiting ?? 0
  }

  /**
   * One who sends what was never signed lies, and is who it is: the connection proves its name. Facts that do not agree are no offence. Which of the
   * two is wrong cannot be told, and the one who refuses loses nothing by it that a liar could gain: the receipt stays one-sided.
   */
  private readonly onOffended = ({ detail: { peer } }: CustomEvent<{ peer: string }>): void => {
    this.running?.start.ledger.onOffence(peer, this.init.clock.nowMs())
  }
}
