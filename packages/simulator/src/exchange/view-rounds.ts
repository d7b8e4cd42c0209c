/** Exchange by one of the older policies, round by round, with an address book beside the view of which a feeler asks one now and then. */
import { EXCHANGE_BOUNDS } from '@skein/pex'
import { RandomStream } from '../engine/random-stream.ts'
import { ViewExchange } from './view-exchange.ts'
import type { ExchangePolicy } from '@skein/pex'
import type { ExchangeModel } from './exchange-model.ts'

export interface ViewRoundsInit {
  seed: number
  nodes: number
  viewSize: number
  policy: ExchangePolicy
  /** Peers that a device asks in a round */
  partners: number
  /** Peers in the address book of a device */
  book: number
  /** Takes this random stream and the next two */
  stream: number
}

const FEELER_ROUNDS = EXCHANGE_BOUNDS.feelerPauseMs / EXCHANGE_BOUNDS.leastPauseMs

export class ViewRounds implements ExchangeModel {
  readonly nodes: number
  readonly viewSize: number
  readonly length: Int32Array
  readonly asked: Int32Array
  private readonly init: ViewRoundsInit
  private readonly views: ViewExchange
  private readonly choices: RandomStream
  private readonly books: RandomStream
  private readonly bookPeers: Int32Array
  private readonly bookSince: Int32Array
  private readonly met: Int32Array

  constructor (init: ViewRoundsInit) {
    const { seed, nodes, viewSize, policy, book, stream } = init
    this.init = init
    this.nodes = nodes
    this.viewSize = viewSize
    this.views = new ViewExchange({ nodes, viewSize, policy, random: new RandomStream(seed, stream) })
    this.choices = new RandomStream(seed, stream + 1)
    this.books = new RandomStream(seed, stream + 2)
    this.length = this.views.length
    this.asked = new Int32Array(nodes)
    this.bookPeers = new Int32Array(nodes * book)
    this.bookSince = new Int32Array(nodes * book)
    this.met = new Int32Array(nodes)
  }

  target (device: number, place: number): number {
    return this.views.target(device, place)
  }

  replace (device: number, known: readonly number[], round: number): void {
    this.views.length[device] = 0
    this.views.cameAt[device] = round
    this.met[device] = 0
    known.forEach(other => { this.views.add(device, other, round) })
  }

  run (round: number, isCut: boolean): void {
    this.asked.fill(0)
    // each round begins elsewhere: nobody is always first
    const first = below(this.choices.uint32(this.nodes, round), this.nodes)
    for (let i = 0; i < this.nodes; i++) {
      this.ask((first + i) % this.nodes, round, isCut)
    }
  }

  private ask (device: number, round: number, isCut: boolean): void {
    const { views, init: { partners, viewSize } } = this
    for (let i = 0; i < partners && (views.length[device] as number) > 0; i++) {
      const place = below(this.choices.uint32(device, round * 8 + i), views.length[device] as number)
      const peer = views.peers[device * viewSize + place] as number
      if (views.isGone(device, place) || !reaches(device, peer, isCut)) {
        views.drop(device, place)
        continue
      }
      this.asked[peer]!++
      views.exchange(device, peer, round, place)
      this.remember(device, peer, round)
    }
    this.feel(device, round, isCut)
  }

  private feel (device: number, round: number, isCut: boolean): void {
    const { book } = this.init
    const known = Math.min(book, this.met[device] as number)
    if ((round + device) % FEELER_ROUNDS !== 0 || known === 0) {
      return
    }
    const at = device * book + below(this.books.uint32(device, 2 * round + 1), known)
    const peer = this.bookPeers[at] as number
    if ((this.views.cameAt[peer] as number) <= (this.bookSince[at] as number) && reaches(device, peer, isCut)) {
      this.asked[peer]!++
      this.views.exchange(device, peer, round)
    }
  }

  private remember (device: number, peer: number, round: number): void {
    const { book } = this.init
    const count = this.met[device]!++
    const place = count < book ? count : below(this.books.uint32(device, 2 * count), count + 1)
    if (place < book) {
      this.bookPeers[device * book + place] = peer
      this.bookSince[device * book + place] = round
    }
  }
}

function reaches (device: number, peer: number, isCut: boolean): boolean {
  return !isCut || ((device ^ peer) & 1) === 0
}

function below (value: number, bound: number): number {
  return Math.floor(value / 0x100000000 * bound)
}
