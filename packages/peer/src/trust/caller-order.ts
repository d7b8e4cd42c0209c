/** Which callers go first when this peer cannot serve all: those who deliver to it and, by the word of those, to others. */
import { BoundedMap } from '@skein/core'
import { ServingOrder } from '@skein/reputation'
import type { AdmissionOrder } from '@skein/inference'

/** Models whose callers are put in order, as many as one peer offers. */
const MAX_MODELS = 64

export class CallerOrder implements AdmissionOrder {
  /** 0 to 1; set when the peer has a ledger. Until then all are equal */
  scoreOf: (caller: string) => number = () => 0
  private readonly orders = new BoundedMap<string, ServingOrder>({ maxSize: MAX_MODELS })

  mayTake (caller: string, model: string, taken: number, nowMs: number): boolean {
    const order = this.orders.get(model)
    return order === undefined || order.mayTake(this.scoreOf(caller), taken, nowMs)
  }

  onTurnedAway (caller: string, model: string, nowMs: number): void {
    let order = this.orders.get(model)
    if (order === undefined) {
      order = new ServingOrder()
      this.orders.set(model, order)
    }
    order.onTurnedAway(this.scoreOf(caller), nowMs)
  }
}
