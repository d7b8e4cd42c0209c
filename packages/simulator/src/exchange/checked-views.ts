/**
 * Views as `PeerView` of `@skein/pex` keeps them, in typed arrays: only peers that were connected are told of, and of a full view the oldest go.
 * The order of a view is that of the machine's map, so that both draw the same records. 16 bytes for each entry.
 */
import { CHECK_LIFE_MS, EXCHANGE_BOUNDS, MAX_PEER_RECORD_LIFE_MS } from '@skein/pex'
import { PlaceTable } from './record-message.ts'
import type { RecordMessage } from './record-message.ts'

export interface CheckedViewsInit {
  /** Views */
  slots: number
  viewSize: number
  /** As of `PeerViewInit` */
  sourceShare?: number
  networkShare?: number
  /** The /24 of a peer as a number; −1 for one without a public address */
  networkOf: (peer: number) => number
}

/** It was never connected. */
export const UNCHECKED = -1
const NOWHERE = -1

export class CheckedViews {
  /** The peers of a view are at `slot * viewSize`, `length[slot]` of them */
  readonly peers: Int32Array
  readonly length: Int32Array
  /** When the record was signed, ms */
  readonly issuedAt: Int32Array
  /** Who told of it: the peer itself, another, or the owner of the view */
  readonly source: Int32Array
  /** When it was last connected, ms */
  readonly checkedAt: Int32Array
  readonly viewSize: number
  private readonly perSource: number
  private readonly perNetwork: number
  private readonly networkOf: (peer: number) => number
  private readonly places: Int32Array
  private readonly byPeer = new PlaceTable()
  private readonly byNetwork = new PlaceTable()
  /** Of each record of a message: where it is in the view, and which of the message's networks it is in */
  private readonly placeOf = new Int32Array(EXCHANGE_BOUNDS.maxAdded)
  private readonly groupOf = new Int32Array(EXCHANGE_BOUNDS.maxAdded)
  private readonly groupCount = new Int32Array(EXCHANGE_BOUNDS.maxAdded)
  private readonly working: WorkingView
  private readonly giveWay = new Int32Array(EXCHANGE_BOUNDS.maxDropped)

  constructor (init: CheckedViewsInit) {
    const { slots, viewSize } = init
    this.viewSize = viewSize
    this.peers = new Int32Array(slots * viewSize)
    this.issuedAt = new Int32Array(slots * viewSize)
    this.source = new Int32Array(slots * viewSize)
    this.checkedAt = new Int32Array(slots * viewSize)
    this.length = new Int32Array(slots)
    this.perSource = Math.max(1, Math.floor(viewSize * (init.sourceShare ?? 0.25)))
    this.perNetwork = Math.max(1, Math.floor(viewSize * (init.networkShare ?? 1 / 16)))
    this.networkOf = init.networkOf
    this.places = new Int32Array(viewSize)
    this.working = new WorkingView(viewSize + EXCHANGE_BOUNDS.maxAdded)
  }

  static byteLength (slots: number, viewSize: number): number {
    return slots * (16 * viewSize + 4)
  }

  /** Where a peer is in a view; −1 when it is not there. */
  find (slot: number, peer: number): number {
    const from = slot * this.viewSize
    for (let at = from, end = from + (this.length[slot] as number); at < end; at++) {
      if (this.peers[at] === peer) {
        return at - from
      }
    }
    return NOWHERE
  }

  check (slot: number, peer: number, nowMs: number): void {
    const place = this.find(slot, peer)
    if (place !== NOWHERE) {
      this.checkedAt[slot * this.viewSize + place] = nowMs
    }
  }

  drop (slot: number, peer: number): void {
    const place = this.find(slot, peer)
    if (place === NOWHERE) {
      return
    }
    const at = slot * this.viewSize + place
    const end = slot * this.viewSize + (this.length[slot] as number)
    for (const column of [this.peers, this.issuedAt, this.source, this.checkedAt]) {
      column.copyWithin(at, at + 1, end)
    }
    this.length[slot]!--
  }

  dropExpired (slot: number, nowMs: number): void {
    const from = slot * this.viewSize
    let kept = from
    for (let at = from, end = from + (this.length[slot] as number); at < end; at++) {
      if ((this.issuedAt[at] as number) + MAX_PEER_RECORD_LIFE_MS > nowMs) {
        if (kept !== at) {
          this.peers[kept] = this.peers[at] as number
          this.issuedAt[kept] = this.issuedAt[at] as number
          this.source[kept] = this.source[at] as number
          this.checkedAt[kept] = this.checkedAt[at] as number
        }
        kept++
      }
    }
    this.length[slot] = kept - from
  }

  /** Adds up to `count` records that may be told to `to`. `below` draws a number below its argument. */
  compose (slot: number, to: number, count: number, nowMs: number, message: RecordMessage, below: (bound: number) => number): void {
    const { places, peers, issuedAt, checkedAt } = this
    const from = slot * this.viewSize
    let tellable = 0
    for (let at = from, end = from + (this.length[slot] as number); at < end; at++) {
      const checked = checkedAt[at] as number
      const isChecked = checked !== UNCHECKED && nowMs - checked < CHECK_LIFE_MS
      if (isChecked && peers[at] !== to && (issuedAt[at] as number) + MAX_PEER_RECORD_LIFE_MS > nowMs) {
        places[tellable++] = at
      }
    }
    const most = Math.min(count, EXCHANGE_BOUNDS.maxAdded, tellable)
    for (let i = 0; i < most; i++) {
      const j = i + below(tellable - i)
      const at = places[j] as number
      places[j] = places[i] as number
      message.add(peers[at] as number, issuedAt[at] as number)
    }
  }

  /** As `PeerView.merge`; the addresses of a peer never change. Returns how many were added. */
  merge (slot: number, self: number, from: number, message: RecordMessage, sent: number, nowMs: number): number {
    const { working, viewSize, perSource, perNetwork, networkOf, byPeer, byNetwork, placeOf, groupOf, groupCount } = this
    this.indexMessage(message)
    const base = slot * viewSize
    const before = this.length[slot] as number
    working.begin()
    let told = 0
    for (let place = 0; place < before; place++) {
      const at = base + place
      const peer = this.peers[at] as number
      working.put(peer, this.issuedAt[at] as number, this.source[at] as number, this.checkedAt[at] as number)
      const index = byPeer.get(peer)
      if (index >= 0) {
        placeOf[index] = place
      }
      told += this.source[at] === from && peer !== from ? 1 : 0
      const group = byNetwork.get(networkOf(peer))
      if (group >= 0) {
        groupCount[group]!++
      }
    }
    let [size, added, dropped, ready, used] = [before, 0, 0, NOWHERE, 0]
    const own = byPeer.get(from)
    for (let i = own < 0 ? 0 : -1; i < message.length; i++) {
      const index = i < 0 ? own : i
      const peer = message.peers[index] as number
      const issued = message.issuedAt[index] as number
      if ((i >= 0 && index === own) || peer === self || issued + MAX_PEER_RECORD_LIFE_MS <= nowMs) {
        continue
      }
      const first = peer === from
      const place = placeOf[index] as number
      if (place !== NOWHERE) {
        if (issued > (working.issuedAt[place] as number)) {
          working.renew(place, issued, first ? from : working.source[place] as number, first ? nowMs : working.checkedAt[place] as number)
        } else if (first) {
          working.checkedAt[place] = nowMs
        }
        continue
      }
      const group = groupOf[index] as number
      if ((!first && from !== self && told >= perSource) || (group !== NOWHERE && (groupCount[group] as number) >= perNetwork)) {
        continue
      }
      if (size >= viewSize) {
        if (ready === NOWHERE) {
          ready = this.rankOldest(before, Math.min(sent, EXCHANGE_BOUNDS.maxDropped))
        }
        if (used === ready || dropped >= EXCHANGE_BOUNDS.maxDropped) {
          break
        }
        const oldest = working.placeNow(this.giveWay[used++] as number)
        const gone = working.peers[oldest] as number
        told -= working.source[oldest] === from && gone !== from ? 1 : 0
        const goneGroup = byNetwork.get(networkOf(gone))
        if (goneGroup >= 0) {
          groupCount[goneGroup]!--
        }
        // a record of it that comes later in this message finds it gone
        const later = byPeer.get(gone)
        if (later >= 0) {
          placeOf[later] = NOWHERE
        }
        working.drop(oldest)
        size--
        dropped++
      }
      working.put(peer, issued, from, first ? nowMs : UNCHECKED)
      told += first ? 0 : 1
      if (group !== NOWHERE) {
        groupCount[group]!++
      }
      size++
      added++
    }
    this.length[slot] = working.copyTo(this, base)
    return added
  }

  private indexMessage (message: RecordMessage): void {
    const { byPeer, byNetwork, placeOf, groupOf, groupCount } = this
    byPeer.clear()
    byNetwork.clear()
    for (let i = 0; i < message.length; i++) {
      const peer = message.peers[i] as number
      byPeer.set(peer, i)
      placeOf[i] = NOWHERE
      const network = this.networkOf(peer)
      groupOf[i] = NOWHERE
      if (network >= 0) {
        const group = byNetwork.get(network)
        groupOf[i] = group >= 0 ? group : i
        byNetwork.set(network, groupOf[i] as number)
      }
      groupCount[i] = 0
    }
  }

  /** As `oldestToGo`: the places of the records that were signed first, of equal ones the first in the view. Returns how many there are. */
  private rankOldest (before: number, most: number): number {
    const { giveWay, working } = this
    let count = 0
    for (let place = 0; place < before; place++) {
      const issued = working.signedBefore[place] as number
      if (count === most && (most === 0 || issued >= (working.signedBefore[giveWay[count - 1] as number] as number))) {
        continue
      }
      let at = count < most ? count++ : most - 1
      for (; at > 0 && (working.signedBefore[giveWay[at - 1] as number] as number) > issued; at--) {
        giveWay[at] = giveWay[at - 1] as number
      }
      giveWay[at] = place
    }
    return count
  }
}

/** One view while a message is merged into it: entries keep their places, and what is renewed or new comes after them. */
class WorkingView {
  readonly peers: Int32Array
  readonly issuedAt: Int32Array
  readonly source: Int32Array
  readonly checkedAt: Int32Array
  /** When the records were signed that were there before the message */
  readonly signedBefore: Int32Array
  private readonly gone: Uint8Array
  private readonly movedTo: Int32Array
  private length = 0

  constructor (size: number) {
    const column = (): Int32Array => new Int32Array(size)
    ;[this.peers, this.issuedAt, this.source, this.checkedAt, this.signedBefore, this.movedTo] =
      [column(), column(), column(), column(), column(), column()]
    this.gone = new Uint8Array(size)
  }

  begin (): void {
    this.length = 0
  }

  put (peer: number, issuedAt: number, source: number, checkedAt: number): void {
    const at = this.length++
    this.peers[at] = peer
    this.issuedAt[at] = issuedAt
    this.signedBefore[at] = issuedAt
    this.source[at] = source
    this.checkedAt[at] = checkedAt
    this.gone[at] = 0
    this.movedTo[at] = NOWHERE
  }

  drop (place: number): void {
    this.gone[place] = 1
  }

  /** A newer record of the same peer: it goes to the end. */
  renew (place: number, issuedAt: number, source: number, checkedAt: number): void {
    this.gone[place] = 1
    this.movedTo[place] = this.length
    this.put(this.peers[place] as number, issuedAt, source, checkedAt)
  }

  /** Where the entry is that was at a place before the message. */
  placeNow (place: number): number {
    const moved = this.movedTo[place] as number
    return moved === NOWHERE ? place : moved
  }

  /** Returns how many are left. */
  copyTo (views: CheckedViews, base: number): number {
    let to = base
    for (let at = 0; at < this.length; at++) {
      if (this.gone[at] === 0) {
        views.peers[to] = this.peers[at] as number
        views.issuedAt[to] = this.issuedAt[at] as number
        views.source[to] = this.source[at] as number
        views.checkedAt[to++] = this.checkedAt[at] as number
      }
    }
    return to - base
  }
}
