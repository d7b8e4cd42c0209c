/** What waits for one receiver of signals: in order, bounded by number and bytes, so many of it sent and not acknowledged yet. */
import type { SignalKind } from '@skein/records'

/** A signal on its way to a receiver who is connected here. */
export interface Delivery {
  /** The number of the signal, and the seed that gave it; `undefined`: this one */
  origin: { seed: string | undefined, id: number }
  from: string
  to: string
  kind: SignalKind
  payload: Uint8Array<ArrayBuffer>
}

export interface OutgoingQueueInit {
  maxQueuedSignals: number
  maxQueuedBytes: number
  window: number
}

/** Numbers of frames are 32 bits wide; long before they come round again nothing is under way under an old one. */
const MAX_FRAME_NUMBER = 0xffffffff

export class OutgoingQueue {
  private readonly init: OutgoingQueueInit
  private readonly waiting: Delivery[] = []
  private readonly underWay = new Map<number, Delivery>()
  private lastNumber = 0
  private queuedBytes = 0

  constructor (init: OutgoingQueueInit) {
    this.init = init
  }

  get size (): number {
    return this.waiting.length + this.underWay.size
  }

  /** Of payloads */
  get bytes (): number {
    return this.queuedBytes
  }

  /** `false` when there is no room for it. */
  add (delivery: Delivery): boolean {
    const bytes = this.queuedBytes + delivery.payload.length
    if (this.size >= this.init.maxQueuedSignals || bytes > this.init.maxQueuedBytes) {
      return false
    }
    this.queuedBytes = bytes
    this.waiting.push(delivery)
    return true
  }

  /** The next to be sent, and under which number; `undefined` when none waits or enough is under way. */
  next (): { number: number, delivery: Delivery } | undefined {
    const delivery = this.underWay.size < this.init.window ? this.waiting.shift() : undefined
    if (delivery === undefined) {
      return undefined
    }
    this.lastNumber = this.lastNumber === MAX_FRAME_NUMBER ? 1 : this.lastNumber + 1
    this.underWay.set(this.lastNumber, delivery)
    return { number: this.lastNumber, delivery }
  }

  /** The receiver has told what became of it; `undefined` when nothing is under way under that number. */
  settle (number: number): Delivery | undefined {
    const delivery = this.underWay.get(number)
    if (delivery !== undefined) {
      this.underWay.delete(number)
      this.queuedBytes -= delivery.payload.length
    }
    return delivery
  }

  /** It is not wanted any more. */
  remove (delivery: Delivery): void {
    const place = this.waiting.indexOf(delivery)
    if (place >= 0) {
      this.waiting.splice(place, 1)
      this.queuedBytes -= delivery.payload.length
      return
    }
    for (const [number, sent] of this.underWay) {
      if (sent === delivery) {
        this.settle(number)
        return
      }
    }
  }

  /** All that is in it, each in order; it is empty afterwards. */
  takeAll (): { waiting: Delivery[], underWay: Delivery[] } {
    const all = { waiting: this.waiting.splice(0), underWay: [...this.underWay.values()] }
    this.underWay.clear()
    this.queuedBytes = 0
    return all
  }
}
