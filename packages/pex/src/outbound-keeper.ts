/**
 * Keeps connections of this node's own making, which an attacker cannot choose for it: anchors first, then tried and new addresses from different
 * networks; and a feeler every two minutes, which finds out whether an address that is only heard of leads to its peer (Bitcoin Core, `src/net.cpp`,
 * feeler connections and anchors; E. Heilman et al., USENIX Security 2015, §7).
 */
import { networksOf, wideNetworkOf } from './address-network.ts'
import { EXCHANGE_BOUNDS } from './exchange-rules.ts'
import { OutboundPlan } from './outbound-plan.ts'
import type { AddressTables, KnownAddress } from './address-tables.ts'
import type { DialLimits } from './dial-limits.ts'
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
   * Between two looks for a peer to dial while connections are missing, ms.
   *
   * @default 1_000
   */
  retryMs?: number
}

export type OutboundEffect =
  /** Dial these addresses of the peer and no others; tell how it went. A `feeler` is closed again when it stands */
  | { type: 'dial', peer: string, addresses: string[], purpose: 'outbound' | 'feeler' }
  | { type: 'close', peer: string }
  /** These are the anchors now: keep them where a crash does not reach them */
  | { type: 'anchors', peers: string[] }

interface Outbound {
  source: AddressSource
  networks: string[]
  connected: boolean
  deadlineMs: number
}

/** A dial that has not ended by then has failed, ms. */
export const DIAL_TIMEOUT_MS = 15_000
const MAX_ANCHORS = 2
const MAX_DIALS = 4

export class OutboundKeeper implements Machine<OutboundEffect> {
  private readonly init: OutboundKeeperInit
  private readonly random: Random
  private readonly plan: OutboundPlan
  private readonly anchorsLeft: string[]
  /** Connections of the plan, and dials for it; at most as many as the rule says */
  private readonly outbound = new Map<string, Outbound>()
  private feeler: { peer: string, deadlineMs: number } | undefined
  private anchors: string[] = []
  private readonly connected = new Set<string>()
  private readonly effects: OutboundEffect[] = []
  private nextFeelerMs: number
  private nextLookMs: number

  constructor (init: OutboundKeeperInit, random: Random, nowMs: number) {
    this.init = init
    this.random = random
    this.plan = new OutboundPlan(init.rule)
    this.anchorsLeft = (init.anchors ?? []).slice(0, MAX_ANCHORS)
    this.nextLookMs = nowMs
    this.nextFeelerMs = nowMs + (init.feelerMs ?? EXCHANGE_BOUNDS.feelerPauseMs)
  }

  /** Connections of the plan that stand: the connection manager must not close them to make room. */
  get reserved (): string[] {
    return [...this.outbound].filter(([, { connected }]) => connected).map(([peer]) => peer)
  }

  /** A connection stands, whoever made it. `dialled` is the address when this node did. */
  onConnected (peer: string, dialled: string | undefined, nowMs: number): void {
    this.connected.add(peer)
    if (dialled !== undefined) {
      this.init.tables.onConnected(peer, dialled, nowMs)
    }
    if (this.feeler?.peer === peer) {
      this.feeler = undefined
      this.effects.push({ type: 'close', peer })
    }
    const made = this.outbound.get(peer)
    if (made !== undefined && dialled !== undefined) {
      made.connected = true
      this.nameAnchors()
    }
  }

  /** The last connection to the peer has closed. */
  onDisconnected (peer: string, nowMs: number): void {
    this.connected.delete(peer)
    if (this.outbound.get(peer)?.connected === true) {
      this.release(peer)
      this.nextLookMs = Math.min(this.nextLookMs, nowMs)
    }
  }

  onDialFailed (peer: string): void {
    if (this.feeler?.peer === peer) {
      this.feeler = undefined
    } else if (this.outbound.get(peer)?.connected === false) {
      this.release(peer)
    } else {
      return
    }
    this.init.tables.onDialFailed(peer)
  }

  onTimeout (nowMs: number): void {
    for (const [peer, { connected, deadlineMs }] of this.outbound) {
      if (!connected && deadlineMs <= nowMs) {
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
      this.nextLookMs = nowMs + (this.init.retryMs ?? 1_000)
      this.look(nowMs)
    }
  }

  poll (): OutboundEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number {
    const deadlines = [...this.outbound.values()].filter(({ connected }) => !connected).map(({ deadlineMs }) => deadlineMs)
    return Math.min(this.nextFeelerMs, this.nextLookMs, this.feeler?.deadlineMs ?? Infinity, ...deadlines)
  }

  private look (nowMs: number): void {
    const underWay = [...this.outbound.values()].filter(({ connected }) => !connected).length
    for (let i = underWay; i < MAX_DIALS; i++) {
      const { tables } = this.init
      const left = { anchor: this.anchorsLeft.length, tried: tables.count(true), new: tables.count(false) }
      let source = this.plan.next(left)
      let begun = false
      while (source !== undefined && !begun) {
        begun = this.begin(source, nowMs)
        if (!begun && source !== 'anchor') {
          left[source] = 0 // none of them may be dialled now
        } else {
          left.anchor = this.anchorsLeft.length
        }
        source = begun ? undefined : this.plan.next(left)
      }
      if (!begun) {
        return
      }
    }
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
    const networks = networksOf(addresses, wideNetworkOf)
    this.plan.onConnected(source, ...networks)
    this.outbound.set(entry.peer, { source, networks, connected: false, deadlineMs: nowMs + DIAL_TIMEOUT_MS })
    return true
  }

  private isWanted (entry: Readonly<KnownAddress>, nowMs: number): boolean {
    return !this.connected.has(entry.peer) && !this.outbound.has(entry.peer) && this.feeler?.peer !== entry.peer &&
      this.admitted(entry, 'outbound', nowMs).length > 0
  }

  private feel (nowMs: number): void {
    const { tables } = this.init
    const free = (entry: Readonly<KnownAddress>): boolean => !this.connected.has(entry.peer) && !this.outbound.has(entry.peer) &&
      this.admitted(entry, 'feeler', nowMs).length > 0
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
    const addresses = this.init.dials.plan(entry.addresses, sourceOf(entry), nowMs)
    return purpose === 'feeler'
      ? addresses
      : addresses.filter(address => {
        const network = wideNetworkOf(address)
        return network === undefined || this.plan.admits(network)
      })
  }

  private release (peer: string): void {
    const made = this.outbound.get(peer)
    if (made !== undefined) {
      this.outbound.delete(peer)
      this.plan.onClosed(made.source, ...made.networks)
    }
  }

  /** The two that have stood longest, as long as they do; after them those that stood last, until others stand. */
  private nameAnchors (): void {
    const peers = this.reserved.slice(0, MAX_ANCHORS)
    if (peers.join() !== this.anchors.join()) {
      this.anchors = peers
      this.effects.push({ type: 'anchors', peers })
    }
  }
}

/** One that was connected was told of by nobody: it is this node's own knowledge. */
function sourceOf ({ tried, source, peer }: Readonly<KnownAddress>): string | undefined {
  return tried || source === peer ? undefined : source
}
