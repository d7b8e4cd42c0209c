/** Drives `WitnessRounds` over a libp2p node: asks those who delivered to this peer what others did for them, and lets the ledger hear it. */
import { MachineDriver } from '@skein/core'
import { WitnessRounds } from '@skein/reputation'
import type { Libp2p } from '@libp2p/interface'
import type { Clock, Random } from '@skein/core'
import type { ReceiptVerdict, ReputationLedger, WitnessEffect } from '@skein/reputation'
import type { OfferRefusal, ReceiptService } from '@skein/reputation/libp2p'

export interface WitnessTalkInit {
  libp2p: Pick<Libp2p, 'getPeers'>
  service: ReceiptService
  ledger: ReputationLedger
  intervalMs?: number
  clock: Clock
  random: Random
}

/** It does not tell, or speaks a version that does not know the question. */
const DECLINED: ReadonlySet<OfferRefusal | undefined> = new Set<OfferRefusal>(['declined', 'invalid', 'protocol'])

export class WitnessTalk {
  /** Receipts that others told of, by what the ledger made of them */
  readonly heard: Partial<Record<ReceiptVerdict, number>> = {}
  private readonly init: WitnessTalkInit
  private readonly driver: MachineDriver<WitnessEffect, WitnessRounds>
  private readonly stopped = new AbortController()

  constructor (init: WitnessTalkInit) {
    const { clock, random, intervalMs } = init
    this.init = init
    this.driver = new MachineDriver({
      machine: new WitnessRounds(intervalMs === undefined ? {} : { intervalMs }, random, clock.nowMs()),
      clock,
      perform: effect => { this.perform(effect) }
    })
    this.driver.input(() => {}) // arms the timer
  }

  stop (): void {
    this.driver.stop()
    this.stopped.abort(new Error('This peer has been stopped'))
  }

  private perform (effect: WitnessEffect): void {
    if (effect.type === 'ask') {
      void this.ask(effect.peer)
      return
    }
    const { libp2p, ledger, clock } = this.init
    const nowMs = clock.nowMs()
    const witnesses = libp2p.getPeers().map(String).filter(peer => ledger.isWitness(peer, nowMs))
    this.driver.machine.onWitnesses(witnesses, nowMs) // within a drain, which picks up what comes of it
  }

  private async ask (peer: string): Promise<void> {
    const { service, ledger, clock } = this.init
    const { signal } = this.stopped
    const { proofs, refusal } = await service.askReceipts(peer, { isNews: receipt => !ledger.hasSeen(receipt), signal })
      .catch(() => ({ proofs: [], refusal: undefined })) // the peer has been stopped
    if (DECLINED.has(refusal)) {
      this.driver.input((machine, nowMs) => { machine.onDeclined(peer, nowMs) })
    }
    for (const proof of proofs) {
      const verdict = ledger.onReceipt(proof, clock.nowMs())
      this.heard[verdict] = (this.heard[verdict] ?? 0) + 1
    }
  }
}
