/**
 * The places of a node's outbound connections: who has one, by whose choice, and who of them are the anchors of the next run.
 *
 * Other parts of a node dial too. A connection of theirs takes a place when its peer was given by the user, named by a seed at a join, or connected
 * to before; and no more than half of the places go to such, for a lookup or an exchange dials whom strangers name: the other half is always drawn by
 * this node's own dice.
 */
import { OutboundPlan } from './outbound-plan.ts'
import type { AddressSource, OutboundRule } from './outbound-plan.ts'

/** Another part of the node made the connection: to a peer that the user gave, that a seed named, or that was connected to before. */
export type Adopted = 'given' | 'suggested' | 'known'

interface Place {
  source: AddressSource
  networks: string[]
  connected: boolean
  /** Of a dial */
  deadlineMs: number
  adopted?: Adopted
}

const MAX_ANCHORS = 2
/** Of the places, so much may go to connections that other parts of the node made. */
const ADOPTED_SHARE = 0.5

export class OutboundPlaces {
  private readonly plan: OutboundPlan
  /** At most as many as the rule says */
  private readonly places = new Map<string, Place>()

  constructor (rule?: OutboundRule) {
    this.plan = new OutboundPlan(rule)
  }

  get isFull (): boolean {
    return this.plan.isFull
  }

  /** Peers whose connections stand. */
  get connected (): string[] {
    return [...this.places].filter(([, { connected }]) => connected).map(([peer]) => peer)
  }

  /** Peers that are being dialled, and until when. */
  get dialled (): Array<{ peer: string, deadlineMs: number }> {
    return [...this.places].filter(([, { connected }]) => !connected).map(([peer, { deadlineMs }]) => ({ peer, deadlineMs }))
  }

  /**
   * The two that have stood longest, those that this node chose itself before others. Who was given is dialled at each start and need not be
   * remembered.
   */
  get anchors (): string[] {
    const standing = [...this.places].filter(([, { connected, adopted }]) => connected && adopted !== 'given')
    standing.sort(([, a], [, b]) => Number(a.adopted !== undefined) - Number(b.adopted !== undefined))
    return standing.slice(0, MAX_ANCHORS).map(([peer]) => peer)
  }

  has (peer: string): boolean {
    return this.places.has(peer)
  }

  isDialled (peer: string): boolean {
    return this.places.get(peer)?.connected === false
  }

  isGiven (peer: string): boolean {
    return this.places.get(peer)?.adopted === 'given'
  }

  /** From where to take the next peer, of so many left. */
  next (left: Record<AddressSource, number>): AddressSource | undefined {
    return this.plan.next(left)
  }

  admits (network: string): boolean {
    return this.plan.admits(network)
  }

  /** The peer is being dialled. */
  take (peer: string, source: AddressSource, networks: string[], deadlineMs: number): void {
    this.plan.onConnected(source, ...networks)
    this.places.set(peer, { source, networks, connected: false, deadlineMs })
  }

  /** The connection that was dialled stands. Returns whether the peer has a place. */
  onConnected (peer: string): boolean {
    const place = this.places.get(peer)
    if (place !== undefined) {
      place.connected = true
    }
    return place !== undefined
  }

  /** A place for a connection that stands, if there is one for such. */
  adopt (peer: string, networks: string[], by: Adopted): boolean {
    const adopted = [...this.places.values()].filter(place => place.adopted !== undefined).length
    const isRoom = adopted < Math.floor(ADOPTED_SHARE * this.plan.wanted) && !this.plan.isFull && networks.every(network => this.plan.admits(network))
    if (this.places.has(peer) || !isRoom) {
      return false
    }
    this.plan.onConnected('tried', ...networks)
    this.places.set(peer, { source: 'tried', networks, connected: true, deadlineMs: Infinity, adopted: by })
    return true
  }

  /** Returns whether the peer had a place. */
  release (peer: string): boolean {
    const place = this.places.get(peer)
    if (place !== undefined) {
      this.places.delete(peer)
      this.plan.onClosed(place.source, ...place.networks)
    }
    return place !== undefined
  }
}
