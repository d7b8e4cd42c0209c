/**
 * From requests to receipts: remembers what this peer served so that it can agree to receipts of it, and offers receipts of what it was served, in
 * the background. An answer never waits for its receipt.
 */
import { deadline, MachineDriver } from '@skein/core'
import { disagreement, ReceiptOutbox, ServedDeliveries } from '@skein/reputation'
import { receiptFacts } from './receipt-facts.ts'
import type { Logger } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { EndedCall } from '@skein/inference'
import type { Receipt, ReceiptKind, ReceiptProof } from '@skein/records'
import type { OutboxEffect, ReputationLedger } from '@skein/reputation'
import type { ReceiptService } from '@skein/reputation/libp2p'

export interface DealingsInit {
  service: ReceiptService
  ledger: ReputationLedger
  /** How long receipts are valid, ms */
  lifeMs: number
  clock: Clock
  log: Logger
}

/** What this peer measured of the delivery that an offered receipt is of; `undefined` when it knows of none. */
export type Measured = (offered: Receipt) => Receipt | undefined

export interface DealingsCounters {
  /** Receipts in which this peer is the consumer */
  deliveries_total: number
  /** … that were offered to nobody, as too many waited or this peer stopped */
  unoffered_total: number
}

/** Time that offers have when this peer stops, ms; what has no answer then stays signed by this peer alone. */
const STOP_MS = 500

export class Dealings {
  readonly counters: DealingsCounters = { deliveries_total: 0, unoffered_total: 0 }
  private readonly init: DealingsInit
  private readonly self: string
  private readonly served = new ServedDeliveries()
  private readonly measures = new Map<ReceiptKind, Measured>()
  private readonly driver: MachineDriver<OutboxEffect, ReceiptOutbox>
  private readonly working = new Set<Promise<void>>()
  private readonly stopping = new AbortController()

  constructor (init: DealingsInit) {
    this.init = init
    this.self = init.ledger.self
    this.measures.set('inference', offered => this.served.measured(offered, init.clock.nowMs()))
    this.driver = new MachineDriver({
      machine: new ReceiptOutbox({ self: this.self }),
      clock: init.clock,
      perform: effect => { this.work(effect.type === 'offer' ? this.offer(effect.peer, effect.facts) : this.keep(effect.facts)) }
    })
    init.service.addEventListener('receipt:signed', this.onSigned)
  }

  /** Receipts that wait for their offer or its answer. */
  get waiting (): number {
    return this.driver.machine.size
  }

  /** Ends within half a second; from then on nothing is offered. */
  async stop (): Promise<void> {
    this.driver.input(machine => { machine.onStop() })
    const limit = deadline(this.init.clock, STOP_MS)
    limit.signal.addEventListener('abort', () => { this.stopping.abort(limit.signal.reason) }, { once: true })
    while (this.working.size > 0) {
      await Promise.all(this.working)
    }
    limit.clear()
    this.stopping.abort(new Error('This peer has been stopped'))
    this.driver.stop()
    this.init.service.removeEventListener('receipt:signed', this.onSigned)
  }

  /** How receipts of a kind are judged that another offers to this peer: by what it measured. */
  judge (kind: ReceiptKind, measured: Measured): void {
    this.measures.set(kind, measured)
  }

  /** Only what this peer provided: what it was served it offers itself. */
  agree (offered: Receipt): 'agree' | 'refuse' {
    const mine = offered.provider === this.self ? this.measures.get(offered.kind)?.(offered) : undefined
    return mine !== undefined && disagreement(mine, offered) === undefined ? 'agree' : 'refuse'
  }

  /** This peer was served: the receipt of it is offered to who did. */
  onDelivery (facts: Receipt): void {
    if (!this.stopping.signal.aborted) {
      this.counters.deliveries_total++
      this.driver.input((machine, nowMs) => { machine.onDelivery(facts, nowMs) })
    }
  }

  onServed (call: EndedCall): void {
    const { clock, lifeMs } = this.init
    const nowMs = clock.nowMs()
    const facts = receiptFacts(call, { provider: this.self, consumer: call.peer }, lifeMs, nowMs)
    if (facts !== undefined) {
      this.served.add(facts, nowMs)
    }
  }

  onCalled (call: EndedCall): void {
    const facts = receiptFacts(call, { provider: call.peer, consumer: this.self }, this.init.lifeMs, this.init.clock.nowMs())
    if (facts !== undefined) {
      this.onDelivery(facts)
    }
  }

  /** What this peer provided, and the other offered: kept to be shown. */
  private readonly onSigned = ({ detail: { proof } }: CustomEvent<{ proof: ReceiptProof }>): void => {
    if (proof.receipt.provider === this.self) {
      this.count(proof)
    }
  }

  private work (task: Promise<void>): void {
    const working = task.catch(error => { this.init.log.error('a receipt was not made - %e', error) }).finally(() => { this.working.delete(working) })
    this.working.add(working)
  }

  private async offer (peer: string, facts: Receipt): Promise<void> {
    let answer = { busy: false, retryAfterMs: undefined as number | undefined }
    let proof: ReceiptProof | undefined
    try {
      const outcome = await this.init.service.offerReceipt(peer, facts, { signal: this.stopping.signal })
      answer = { busy: outcome.refusal === 'busy', retryAfterMs: outcome.retryAfterMs }
      proof = outcome.proof
    } catch (error) {
      if (!this.stopping.signal.aborted) {
        this.init.log.error('a receipt could not be offered - %e', error)
      }
    }
    let again = false
    this.driver.input((machine, nowMs) => { again = machine.onAnswered(facts, answer, nowMs) === 'again' })
    if (!again) {
      await (proof === undefined ? this.keep(facts) : this.count(proof))
    }
  }

  private async keep (facts: Receipt): Promise<void> {
    this.counters.unoffered_total++
    this.count(await this.init.service.signAlone(facts))
  }

  private count (proof: ReceiptProof): void {
    this.init.ledger.onReceipt(proof, this.init.clock.nowMs())
  }
}
