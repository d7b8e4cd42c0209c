/** Who may connect: connections are counted by address and by network, new ones rated, and those that do not finish their handshake given up. */
import { BoundedMap, TokenBucket } from '@skein/core'
import { networkOfAddress, ownerOf } from '../devices/socket-address.ts'
import { DEFAULT_CONNECTION_LIMITS } from './connection-limits.ts'
import type { ConnectionKind, ConnectionLimits } from './connection-limits.ts'
import type { Machine, TokenBucketInit } from '@skein/core'

/**
 * - `overload`: memory is short
 * - `full`: all places are taken
 * - `address`, `network`: all places of the address or the network are taken
 * - `address_rate`, `network_rate`: too many new ones in too short a time
 * - `pending`: too many handshakes are under way
 */
export type ConnectionRefusal = 'overload' | 'full' | 'address' | 'network' | 'address_rate' | 'network_rate' | 'pending'

export type ConnectionVerdict = { admitted: true, id: number } | { admitted: false, reason: ConnectionRefusal }

/** Close the connection: its handshake took too long, or another needs its place. */
export interface AdmissionEffect {
  type: 'close'
  id: number
  reason: 'handshake_timeout' | 'handshake_yielded'
}

interface Place {
  owner: string
  network: string
  trusted: boolean
}

/** Owners and networks of which it is remembered how often they came. */
const MAX_RATED = 16_384

export class ConnectionAdmission implements Machine<AdmissionEffect> {
  private readonly limits: Required<ConnectionLimits>
  private readonly isTrusted: (address: string) => boolean
  private readonly places = new Map<number, Place>()
  /** When each began that has not finished its handshake, the oldest first */
  private readonly pending = new Map<number, number>()
  /** Of those that are not trusted */
  private readonly counts = new Map<string, number>()
  private readonly ownerBuckets = new BoundedMap<string, TokenBucket>({ maxSize: MAX_RATED })
  private readonly networkBuckets = new BoundedMap<string, TokenBucket>({ maxSize: MAX_RATED })
  private readonly effects: AdmissionEffect[] = []
  private overloaded = false
  private nextId = 0

  /** `isTrusted` exempts an address, as Node's sockets tell it, from all but `maxConnections` */
  constructor (limits: ConnectionLimits = {}, isTrusted: (address: string) => boolean = () => false) {
    this.limits = {
      ...DEFAULT_CONNECTION_LIMITS,
      ...limits,
      maxPerAddress: { ...DEFAULT_CONNECTION_LIMITS.maxPerAddress, ...limits.maxPerAddress }
    }
    this.isTrusted = isTrusted
  }

  /** Connections that have a place. */
  get size (): number {
    return this.places.size
  }

  get pendingSize (): number {
    return this.pending.size
  }

  /** Decides on a connection that was just accepted. Whoever has a place keeps it until `onClosed`. */
  onAccepted (address: string, kind: ConnectionKind, nowMs: number): ConnectionVerdict {
    const trusted = this.isTrusted(address)
    const place = { owner: `${kind} ${ownerOf(address)}`, network: networkOfAddress(address), trusted }
    const reason = trusted ? this.trustedRefusal() : this.refusal(place, kind, nowMs)
    if (reason !== undefined) {
      return { admitted: false, reason }
    }
    const id = this.nextId++
    this.places.set(id, place)
    if (!trusted) {
      this.count(place.owner, 1)
      this.count(place.network, 1)
    }
    this.pending.set(id, nowMs)
    return { admitted: true, id }
  }

  /** The other side is known, and streams may come; at the HTTP port, the head of its first request has come. */
  onEstablished (id: number): void {
    this.pending.delete(id)
  }

  onClosed (id: number): void {
    const place = this.places.get(id)
    if (place === undefined) {
      return
    }
    this.places.delete(id)
    this.pending.delete(id)
    if (!place.trusted) {
      this.count(place.owner, -1)
      this.count(place.network, -1)
    }
  }

  /** While memory is short nobody new is taken. */
  onOverload (overloaded: boolean): void {
    this.overloaded = overloaded
  }

  onTimeout (nowMs: number): void {
    for (const [id, sinceMs] of this.pending) {
      if (sinceMs + this.limits.handshakeTimeoutMs > nowMs) {
        return
      }
      this.giveUp(id, 'handshake_timeout')
    }
  }

  poll (): AdmissionEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    for (const sinceMs of this.pending.values()) {
      return sinceMs + this.limits.handshakeTimeoutMs
    }
    return undefined
  }

  private trustedRefusal (): ConnectionRefusal | undefined {
    return this.places.size >= this.limits.maxConnections ? 'full' : undefined
  }

  private refusal ({ owner, network }: Place, kind: ConnectionKind, nowMs: number): ConnectionRefusal | undefined {
    const { limits } = this
    if (this.overloaded) {
      return 'overload'
    }
    if (this.places.size >= limits.maxConnections - Math.floor(limits.maxConnections * limits.reservedShare)) {
      return 'full'
    }
    if ((this.counts.get(owner) ?? 0) >= (limits.maxPerAddress[kind] as number)) {
      return 'address'
    }
    if ((this.counts.get(network) ?? 0) >= limits.maxPerNetwork) {
      return 'network'
    }
    if (!bucketOf(this.ownerBuckets, owner, limits.addressRate, nowMs).take(1, nowMs)) {
      return 'address_rate'
    }
    if (!bucketOf(this.networkBuckets, network, limits.networkRate, nowMs).take(1, nowMs)) {
      return 'network_rate'
    }
    return this.pending.size < limits.maxPending || this.makeRoom(network, nowMs) ? undefined : 'pending'
  }

  /** Somebody of the network with the most handshakes yields to a newcomer from one with fewer; of two that are even, one that has had its time. */
  private makeRoom (network: string, nowMs: number): boolean {
    const handshakes = Map.groupBy(this.pending.keys(), id => (this.places.get(id) as Place).network)
    const own = handshakes.get(network)?.length ?? 0
    let most: number[] = []
    for (const ids of handshakes.values()) {
      most = ids.length > most.length ? ids : most
    }
    const [oldest] = this.pending
    const yielding = most.length > own + 1
      ? most[0]
      : oldest !== undefined && oldest[1] + this.limits.yieldAfterMs <= nowMs ? oldest[0] : undefined
    if (yielding !== undefined) {
      this.giveUp(yielding, 'handshake_yielded')
    }
    return yielding !== undefined
  }

  /** It keeps its place among the connections until it is closed, but waits no more. */
  private giveUp (id: number, reason: AdmissionEffect['reason']): void {
    this.pending.delete(id)
    this.effects.push({ type: 'close', id, reason })
  }

  private count (key: string, change: number): void {
    const count = (this.counts.get(key) ?? 0) + change
    if (count === 0) {
      this.counts.delete(key)
    } else {
      this.counts.set(key, count)
    }
  }
}

function bucketOf (buckets: BoundedMap<string, TokenBucket>, key: string, init: TokenBucketInit, nowMs: number): TokenBucket {
  let bucket = buckets.touch(key)
  if (bucket === undefined) {
    bucket = new TokenBucket(init, nowMs)
    buckets.set(key, bucket)
  }
  return bucket
}
