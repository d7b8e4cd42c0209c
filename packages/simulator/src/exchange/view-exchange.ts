/** Views of peer exchange in typed arrays: who knows whom, and the exchange of one message each way. 8 bytes for each entry of a view. */
import { dropRank, dropsAsked, EXCHANGE_BOUNDS, mayReplace, sendsOwnRecord } from '@skein/pex'
import type { ExchangePolicy } from '@skein/pex'
import type { RandomStream } from '../engine/random-stream.ts'
import type { KnownLinks } from './exchange-model.ts'

export interface ViewExchangeInit {
  nodes: number
  /** Entries of a full view */
  viewSize: number
  policy: ExchangePolicy
  /** Draws which entries are sent: entity is the message */
  random: RandomStream
}

/** Records that are older are told apart no more. */
const MAX_AGE = 255

export class ViewExchange implements KnownLinks {
  readonly nodes: number
  readonly viewSize: number
  /** The peers of a device's view are at `device * viewSize`, `length[device]` of them */
  readonly peers: Int32Array
  /** The round in which the record of the entry was signed */
  readonly signedAt: Int32Array
  readonly length: Int32Array
  /** The round in which the device that has this number came: a record that was signed before belonged to the one before it */
  readonly cameAt: Int32Array
  private readonly init: ViewExchangeInit
  private messages = 0
  /** Which merge a peer was last seen in, and at which place of the view */
  private readonly seenIn: Int32Array
  private readonly seenAt: Int32Array
  private merges = 0
  private readonly asked = new Message()
  private readonly answered = new Message()
  private readonly fresh = new Message()
  private readonly counts = new Int32Array(MAX_AGE + 2)
  private readonly order: Int32Array

  constructor (init: ViewExchangeInit) {
    this.init = init
    this.nodes = init.nodes
    this.viewSize = init.viewSize
    this.peers = new Int32Array(init.nodes * init.viewSize)
    this.signedAt = new Int32Array(init.nodes * init.viewSize)
    this.length = new Int32Array(init.nodes)
    this.cameAt = new Int32Array(init.nodes)
    this.seenIn = new Int32Array(init.nodes)
    this.seenAt = new Int32Array(init.nodes)
    this.order = new Int32Array(Math.max(init.viewSize, EXCHANGE_BOUNDS.maxAdded))
  }

  static byteLength (nodes: number, viewSize: number): number {
    return nodes * (viewSize * 8 + 16)
  }

  /** Puts a peer into a view that has room; not itself, and not one that is there. */
  add (device: number, peer: number, signedAt: number): void {
    const from = device * this.init.viewSize
    const length = this.length[device] as number
    if (peer === device || length === this.init.viewSize || this.peers.subarray(from, from + length).includes(peer)) {
      return
    }
    this.peers[from + length] = peer
    this.signedAt[from + length] = signedAt
    this.length[device] = length + 1
  }

  /** Takes the entry at a place of a view from it. */
  drop (device: number, place: number): void {
    const from = device * this.init.viewSize
    const last = (this.length[device] as number) - 1
    this.peers[from + place] = this.peers[from + last] as number
    this.signedAt[from + place] = this.signedAt[from + last] as number
    this.length[device] = last
  }

  isGone (device: number, place: number): boolean {
    const at = device * this.init.viewSize + place
    return (this.signedAt[at] as number) < (this.cameAt[this.peers[at] as number] as number)
  }

  /** The device at a place of a view; −1 when it has gone. */
  target (device: number, place: number): number {
    return this.isGone(device, place) ? -1 : this.peers[device * this.init.viewSize + place] as number
  }

  /** One message from `device` to `partner` and one back. `place` is where the partner is in the view, if it was found there. */
  exchange (device: number, partner: number, round: number, place?: number): void {
    const { policy } = this.init
    if (place !== undefined && dropsAsked(policy)) {
      this.drop(device, place)
    }
    this.compose(this.asked, device, sendsOwnRecord(policy, true), round)
    this.compose(this.answered, partner, sendsOwnRecord(policy, false), round)
    this.merge(device, this.answered, this.asked.fromView, round)
    this.merge(partner, this.asked, this.answered.fromView, round)
  }

  /** Entries drawn from the view, which are moved to its beginning, and the sender's own. */
  private compose (message: Message, device: number, withOwn: boolean, round: number): void {
    const { peers, signedAt } = this
    const from = device * this.init.viewSize
    const length = this.length[device] as number
    const count = Math.min(length, EXCHANGE_BOUNDS.maxAdded - (withOwn ? 1 : 0))
    const entity = this.messages++
    for (let i = 0; i < count; i++) {
      const chosen = from + i + Math.floor(this.init.random.uint32(entity, i) * (length - i) / 0x100000000)
      const [peer, signed] = [peers[chosen] as number, signedAt[chosen] as number]
      peers[chosen] = peers[from + i] as number
      signedAt[chosen] = signedAt[from + i] as number
      peers[from + i] = peer
      signedAt[from + i] = signed
      message.peers[i] = peer
      message.signedAt[i] = signed
    }
    message.fromView = count
    message.length = count
    if (withOwn) {
      message.peers[count] = device
      message.signedAt[count] = round
      message.length++
    }
  }

  private merge (device: number, message: Message, sent: number, round: number): void {
    const { policy, viewSize } = this.init
    const from = device * viewSize
    const fresh = this.takeUnknown(device, message)
    // where only newer records replace older ones, the newest of what is received go first
    const received = policy === 'newest'
      ? this.rank(fresh.length, i => MAX_AGE - this.age(fresh.signedAt[i] as number, round)).slice(0, fresh.length)
      : undefined
    const before = this.length[device] as number
    const room = Math.min(fresh.length, viewSize - before)
    for (let i = 0; i < room; i++) {
      this.put(from + before + i, fresh, received?.[i] ?? i)
    }
    this.length[device] = before + room
    if (room === fresh.length) {
      return
    }
    // those that were sent are the first of the view
    const candidates = policy === 'newest' ? before : sent
    const order = this.rank(candidates, i => dropRank(policy, this.age(this.signedAt[from + i] as number, round), i < sent))
    const drops = Math.min(fresh.length - room, EXCHANGE_BOUNDS.maxDropped, candidates)
    for (let i = 0; i < drops; i++) {
      const place = from + (order[i] as number)
      const index = received?.[room + i] ?? room + i
      if (!mayReplace(policy, this.age(fresh.signedAt[index] as number, round), this.age(this.signedAt[place] as number, round))) {
        break
      }
      this.put(place, fresh, index)
    }
  }

  /** What of a message is not in the view; of what is, the newer record stays. */
  private takeUnknown (device: number, message: Message): Message {
    const { peers, signedAt, seenIn, seenAt, fresh } = this
    const from = device * this.init.viewSize
    const merge = ++this.merges
    seenIn[device] = merge
    seenAt[device] = -1
    for (let at = from, end = from + (this.length[device] as number); at < end; at++) {
      seenIn[peers[at] as number] = merge
      seenAt[peers[at] as number] = at
    }
    fresh.length = 0
    for (let i = 0; i < message.length; i++) {
      const peer = message.peers[i] as number
      if (seenIn[peer] !== merge) {
        seenIn[peer] = merge
        seenAt[peer] = -1
        fresh.peers[fresh.length] = peer
        fresh.signedAt[fresh.length++] = message.signedAt[i] as number
      } else if ((seenAt[peer] as number) >= 0 && (signedAt[seenAt[peer] as number] as number) < (message.signedAt[i] as number)) {
        signedAt[seenAt[peer] as number] = message.signedAt[i] as number
      }
    }
    return fresh
  }

  private put (at: number, message: Message, index: number): void {
    this.peers[at] = message.peers[index] as number
    this.signedAt[at] = message.signedAt[index] as number
  }

  private age (signedAt: number, round: number): number {
    const age = round - signedAt
    return age > MAX_AGE ? MAX_AGE : age
  }

  /** The numbers from 0 by falling rank, 0 to MAX_AGE; equal ones as they come. Valid until the next call. */
  private rank (count: number, rankOf: (i: number) => number): Int32Array {
    const { counts, order } = this
    counts.fill(0)
    for (let i = 0; i < count; i++) {
      counts[MAX_AGE - rankOf(i) + 1]!++
    }
    for (let i = 1; i < counts.length; i++) {
      counts[i]! += counts[i - 1] as number
    }
    for (let i = 0; i < count; i++) {
      order[counts[MAX_AGE - rankOf(i)]!++] = i
    }
    return order
  }
}

class Message {
  readonly peers = new Int32Array(EXCHANGE_BOUNDS.maxAdded)
  readonly signedAt = new Int32Array(EXCHANGE_BOUNDS.maxAdded)
  length = 0
  /** The first of them, which were in the sender's view */
  fromView = 0
}
