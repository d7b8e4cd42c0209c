/**
 * Keeps connections of this node's own making, which an attacker cannot choose for it: anchors first, then tried and new addresses from different
 * networks; and a feeler every two minutes, which finds out whether an address that is only heard of leads to its peer (Bitcoin Core, `src/net.cpp`,
 * feeler connections and anchors; E. Heilman et al., USENIX Security 2015, §7).
 */
import { networksOf, wideNetworkOf } from './address-network.ts'
import { EXCHANGE_BOUNDS } from './exchange-rules.ts'
import { OutboundPlaces } from './outbound-places.ts'
import type { AddressTables, KnownAddress } from './address-tables.ts'
import type { DialLimits } from './dial-limits.ts'
import type { Adopted } from './outbound-places.ts'
import type { AddressSource, OutboundRule } from './outbound-plan.ts'
import type { Machine, Random } from '@skein/core'

export interface OutboundKeeperInit {
  tables: AddressTables
  dials: DialLimits
  rule?: OutboundRule
  /** The outbound peers of the last run, as `anchors` named them */
  anchors?: readonly string[]
  /**
   * Between two feelers, ms.
   *
   * @default 120_000
   */
  feelerMs?: number
  /**
   * Between two looks for a peer to dial while connections are missing, ms; up to 16 times as much when there is nobody to dial.
   *
   * @default 1_000
   */
  retryMs?: number
  /**
   * Dial only until somebody is connected, whoever came to whom: for nodes that serve, to whom others come, and who let them go.
   *
   * @default false
   */
  onlyToJoin?: boolean
}

export type OutboundEffect =
  /** Dial these addresses of the peer and no others; tell how it went. A `feeler` is closed again when it stands */
  | { type: 'dial', peer: string, addresses: string[], purpose: 'outbound' | 'feeler' }
  | { type: 'close', peer: string }
  /** These are the anchors now: keep them where a crash does not reach them */
  | { type: 'anchors', peers: string[] }

/** A dial that has not ended by then has failed, ms. */
export const DIAL_TIMEOUT_MS = 15_000
const MAX_ANCHORS = 2
const MAX_DIALS = 4
/** So many times longer between two looks while there is nobody to dial. */
const MAX_IDLE_FACTOR = 16

export class OutboundKeeper implements Machine<OutboundEffect> {
  private readonly init: OutboundKeeperInit
  private readonly random: Random
  private readonly places: OutboundPlaces
  private readonly anchorsLeft: string[]
  private feeler: { peer: string, deadlineMs: number } | undefined
  private anchors: string[] = []
  /** Where this node dialled each connected peer; `undefined` for one that came by itself */
  private readonly standing = new Map<string, string | undefined>()
  private readonly effects: OutboundEffect[] = []
  private nextFeelerMs: number
  private nextLookMs: number
  private lookedMs: number
  private idleFactor = 1
  private hasMet = false

  constructor (init: OutboundKeeperInit, random: Random, nowMs: number) {
    this.init = init
    this.random = random
    this.places = new OutboundPlaces(init.rule)
    this.anchorsLeft = (init.anchors ?? []).slice(0, MAX_ANCHORS)
    this.nextLookMs = nowMs
    this.lookedMs = nowMs
    this.nextFeelerMs = nowMs + (init.feelerMs ?? EXCHANGE_BOUNDS.feelerPauseMs)
  }

  /** Connections of the plan that stand: the connection manager must not close them to make room. */
  get reserved (): string[] {
    return this.places.connected
  }

  /** A connection stands, whoever made it. `dialled` is the address when this node did. */
  onConnected (peer: string, dialled: string | undefined, nowMs: number): void {
    const { tables } = this.init
    const wasTried = tables.get(peer)?.tried === true
    this.standing.set(peer, dialled ?? this.standing.get(peer))
    this.hasMet = true
    if (dialled === undefined) {
      return
    }
    tables.onConnected(peer, dialled, nowMs)
    this.init.dials.onSucceeded([dialled], nowMs)
    if (this.feeler?.peer === peer) {
      this.feeler = undefined
      this.effects.push({ type: 'close', peer })
      return
    }
    if (this.places.onConnected(peer)) {
      this.nameAnchors()
    } else if (wasTried) {
      this.adopt(peer, 'known')
    }
  }

  /** The connection that stands was made by another part of this node, to a peer that the user gave or that a seed named. */
  onChosen (peer: string, by: 'given' | 'suggested'): void {
    this.adopt(peer, by)
  }

  /** The connected peer is a seed: it has newcomers to serve, and is to be left. */
  onSeed (peer: string): void {
    this.init.tables.onSeed(peer, true)
    if (!this.places.isGiven(peer)) {
      this.release(peer)
      this.nameAnchors()
    }
  }

  /** The last connection to the peer has closed. */
  onDisconnected (peer: string, nowMs: number): void {
    this.standing.delete(peer)
    if (!this.places.isDialled(peer)) {
      this.release(peer)
    }
    if (this.standing.size === 0) {
      this.nextLookMs = Math.min(this.nextLookMs, nowMs)
    }
  }

  onDialFailed (peer: string): void {
    const { tables, dials } = this.init
    if (this.onDialVain(peer)) {
      const entry = tables.get(peer)
      if (entry?.dialledMs !== undefined) {
        dials.onFailed(entry.addresses, entry.dialledMs)
      }
      tables.onDialFailed(peer)
    }
  }

  /** The dial has come to nothing though the peer is connected: it came by itself, or another part of this node was faster. */
  onDialVain (peer: string): boolean {
    if (this.feeler?.peer === peer) {
      this.feeler = undefined
    } else if (this.places.isDialled(peer)) {
      this.release(peer)
    } else {
      return false
    }
    return true
  }

  /** The tables have heard of peers: there may be somebody to dial now. */
  onLearned (): void {
    this.idleFactor = 1
    this.lookAgain()
  }

  onTimeout (nowMs: number): void {
    for (const { peer, deadlineMs } of this.places.dialled) {
      if (deadlineMs <= nowMs) {
        this.onDialFailed(peer)
      }
    }
    if (this.feeler !== undefined && this.feeler.deadlineMs <= nowMs) {
      this.onDialFailed(this.feeler.peer)
    }
    if (nowMs >= this.nextFeelerMs) {
      this.nextFeelerMs = nowMs + (this.init.feelerMs ?? EXCHANGE_BOUNDS.feelerPauseMs)
      this.feel(nowMs)
    }
    if (nowMs >= this.nextLookMs) {
      this.lookedMs = nowMs
      this.nextLookMs = nowMs + this.look(nowMs)
    }
  }

  poll (): OutboundEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    const deadlines = this.places.dialled.map(({ deadlineMs }) => deadlineMs)
    const next = Math.min(this.nextFeelerMs, this.nextLookMs, this.feeler?.deadlineMs ?? Infinity, ...deadlines)
    return next === Infinity ? undefined : next
  }

  /** Returns how long it is to the next look, ms. */
  private look (nowMs: number): number {
    if (this.places.isFull || (this.init.onlyToJoin === true && this.hasMet)) {
      return Infinity // until a connection closes, or a dial fails
    }
    const retryMs = this.init.retryMs ?? 1_000
    const dials = this.dialMissing(nowMs)
    this.idleFactor = dials > 0 ? 1 : Math.min(MAX_IDLE_FACTOR, 2 * this.idleFactor)
    return retryMs * this.idleFactor
  }

  /** Returns how many dials are under way. */
  private dialMissing (nowMs: number): number {
    for (let i = this.places.dialled.length; i < MAX_DIALS; i++) {
      const { tables } = this.init
      const left = { anchor: this.anchorsLeft.length, tried: tables.count(true), new: tables.count(false) }
      let source = this.places.next(left)
      let begun = false
      while (source !== undefined && !begun) {
        begun = this.begin(source, nowMs)
        if (!begun && source !== 'anchor') {
          left[source] = 0 // none of them may be dialled now
        } else {
          left.anchor = this.anchorsLeft.length
        }
        source = begun ? undefined : this.places.next(left)
      }
      if (!begun) {
        return i
      }
    }
    return MAX_DIALS
  }

  /** Dials one from a source; an anchor is tried once. */
  private begin (source: AddressSource, nowMs: number): boolean {
    const anchor = source === 'anchor' ? this.anchorsLeft.shift() : undefined
    const entry = source === 'anchor'
      ? this.init.tables.get(anchor ?? '')
      : this.init.tables.draw(source === 'tried', this.random, nowMs, other => this.isWanted(other, nowMs))
    if (entry === undefined || !this.isWanted(entry, nowMs)) {
      return false
    }
    const addresses = this.dial(entry, 'outbound', nowMs)
    this.places.take(entry.peer, source, networksOf(addresses, wideNetworkOf), nowMs + DIAL_TIMEOUT_MS)
    return true
  }

  private isWanted (entry: Readonly<KnownAddress>, nowMs: number): boolean {
    return this.isFree(entry) && this.feeler?.peer !== entry.peer && this.admitted(entry, 'outbound', nowMs).length > 0
  }

  /** Seeds are for newcomers, and for who is alone. */
  private isFree ({ peer, seed }: Readonly<KnownAddress>): boolean {
    return !this.standing.has(peer) && !this.places.has(peer) && (seed !== true || this.standing.size === 0)
  }

  private feel (nowMs: number): void {
    const { tables } = this.init
    const free = (entry: Readonly<KnownAddress>): boolean => this.isFree(entry) && this.admitted(entry, 'feeler', nowMs).length > 0
    const contested = tables.toTest()
    const entry = contested !== undefined && free(contested) ? contested : tables.draw(false, this.random, nowMs, free)
    if (entry !== undefined && this.feeler === undefined) {
      this.dial(entry, 'feeler', nowMs)
      this.feeler = { peer: entry.peer, deadlineMs: nowMs + DIAL_TIMEOUT_MS }
    }
  }

  private dial (entry: Readonly<KnownAddress>, purpose: 'outbound' | 'feeler', nowMs: number): string[] {
    const addresses = this.admitted(entry, purpose, nowMs)
    this.init.dials.onDial(addresses, sourceOf(entry), nowMs)
    this.init.tables.onDial(entry.peer, nowMs)
    this.effects.push({ type: 'dial', peer: entry.peer, addresses, purpose })
    return addresses
  }

  /** Which of its addresses may be dialled: by the limits of dials, and for an outbound connection by the networks that there are already. */
  private admitted (entry: Readonly<KnownAddress>, purpose: 'outbound' | 'feeler', nowMs: number): string[] {
    const addresses = this.init.dials.plan(entry.addresses, sourceOf(entry), nowMs, entry.tried || entry.connectedMs !== undefined)
    return purpose === 'feeler'
      ? addresses
      : addresses.filter(address => {
        const network = wideNetworkOf(address)
        return network === undefined || this.places.admits(network)
      })
  }

  private release (peer: string): void {
    if (this.places.release(peer)) {
      this.lookAgain()
    }
  }

  private lookAgain (): void {
    this.nextLookMs = Math.min(this.nextLookMs, this.lookedMs + (this.init.retryMs ?? 1_000))
  }

  private adopt (peer: string, by: Adopted): void {
    const address = this.standing.get(peer)
    const isSeed = this.init.tables.get(peer)?.seed === true
    if (address !== undefined && (!isSeed || by === 'given') && this.places.adopt(peer, networksOf([address], wideNetworkOf), by)) {
      this.nameAnchors()
    }
  }

  /** Those that stood last stay anchors until others stand. */
  private nameAnchors (): void {
    const peers = this.places.anchors
    if (peers.length > 0 && peers.join() !== this.anchors.join()) {
      this.anchors = peers
      this.effects.push({ type: 'anchors', peers })
    }
  }
}

/**
 * Who caused the dial. One that was connected was told of by nobody: it is this node's own knowledge. One that came by itself has told of itself: it
 * counts with all that come from its network, or many identities would be many sources.
 */
function sourceOf ({ tried, source, sourceNetwork, peer, connectedMs }: Readonly<KnownAddress>): string | undefined {
  if (tried || connectedMs !== undefined) {
    return undefined
  }
  return source === peer && sourceNetwork !== '' ? sourceNetwork : source
}
