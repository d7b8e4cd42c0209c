/** The exchange that peers ship with, minute by minute. */
import { CheckedExchange } from './checked-exchange.ts'
import type { CheckedExchangeInit } from './checked-exchange.ts'
import type { ExchangeModel } from './exchange-model.ts'

export interface CheckedRoundsInit extends Omit<CheckedExchangeInit, 'slots' | 'reaches' | 'networkOf'> {
  nodes: number
}

const ROUND_MS = 60_000
/** So few devices share a /24 that no rule of networks is felt. */
const PEERS_OF_NETWORK = 3

export class CheckedRounds implements ExchangeModel {
  readonly nodes: number
  readonly viewSize: number
  readonly length: Int32Array
  readonly asked: Int32Array
  readonly kernel: CheckedExchange
  private isCut = false

  constructor (init: CheckedRoundsInit) {
    this.nodes = init.nodes
    this.viewSize = init.viewSize
    this.kernel = new CheckedExchange({
      ...init,
      slots: init.nodes,
      networkOf: peer => Math.floor(peer / PEERS_OF_NETWORK),
      reaches: (from, to) => !this.isCut || ((this.kernel.slotOf(from) ^ this.kernel.slotOf(to)) & 1) === 0
    })
    this.length = this.kernel.views.length
    this.asked = this.kernel.askedOf
  }

  target (device: number, place: number): number {
    return this.kernel.slotOf(this.kernel.views.peers[device * this.viewSize + place] as number)
  }

  replace (device: number, known: readonly number[]): void {
    if (this.kernel.deviceIn[device] !== -1) {
      this.kernel.stop(device)
    }
    this.kernel.start(device, known.filter(other => other !== device).map(other => this.kernel.deviceIn[other] as number))
  }

  run (round: number, isCut: boolean): void {
    this.isCut = isCut
    this.asked.fill(0)
    this.kernel.run(round * ROUND_MS)
  }
}
