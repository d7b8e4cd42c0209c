/** A message of peer exchange in typed arrays: which records it holds, and a quick answer to whether it holds one of a peer. */
import { EXCHANGE_BOUNDS } from '@skein/pex'

const CELLS = 256

export class RecordMessage {
  readonly peers = new Int32Array(EXCHANGE_BOUNDS.maxAdded)
  readonly issuedAt = new Int32Array(EXCHANGE_BOUNDS.maxAdded)
  length = 0

  add (peer: number, issuedAt: number): void {
    this.peers[this.length] = peer
    this.issuedAt[this.length++] = issuedAt
  }
}

/** Numbers and the place at which each was put in: up to 100 of them, found by open addressing, in memory that stays close. */
export class PlaceTable {
  private readonly keys = new Int32Array(CELLS)
  private readonly places = new Int32Array(CELLS)
  private readonly stamps = new Int32Array(CELLS)
  private stamp = 0

  clear (): void {
    this.stamp = (this.stamp + 1) | 0
  }

  /** The place of a number; −1 when it was not put in. */
  get (key: number): number {
    const { stamps, keys, stamp } = this
    for (let cell = cellOf(key); stamps[cell] === stamp; cell = (cell + 1) % CELLS) {
      if (keys[cell] === key) {
        return this.places[cell] as number
      }
    }
    return -1
  }

  set (key: number, place: number): void {
    const { stamps, keys, places, stamp } = this
    let cell = cellOf(key)
    while (stamps[cell] === stamp && keys[cell] !== key) {
      cell = (cell + 1) % CELLS
    }
    stamps[cell] = stamp
    keys[cell] = key
    places[cell] = place
  }
}

function cellOf (key: number): number {
  return Math.imul(key, 0x9e3779b1) >>> 24
}
