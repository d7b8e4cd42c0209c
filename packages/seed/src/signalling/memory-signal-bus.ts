/** A bus for seeds of one process. */
import { LOCATION_LIFE_MS, MAX_LOCATIONS } from './signal-bus.ts'
import type { PeerLocation, SignalBus, SignalBusListener } from './signal-bus.ts'
import type { Clock } from '@skein/core'

interface Claim {
  token: number
  expiresAtMs: number
}

/** Peers whose claims are kept; the one that was claimed longest ago makes room. */
const MAX_PEERS = 1_000_000

/** Claims by peer and then by seed; they are looked at and forgotten when the peer is next claimed or looked for. */
export class MemorySignalFleet {
  private readonly clock: Clock
  private readonly claims = new Map<string, Map<string, Claim>>()
  private readonly listeners = new Map<string, SignalBusListener>()

  constructor (clock: Clock) {
    this.clock = clock
  }

  /** The bus of one seed. */
  bus (seed: string): SignalBus {
    return {
      start: listener => { this.listeners.set(seed, listener) },
      stop: async () => { this.listeners.delete(seed) },
      claim: async (peer, floor) => this.claim(seed, peer, floor),
      renew: async (peer, token) => this.renew(seed, peer, token),
      release: async (peer, token) => this.release(seed, peer, token),
      locate: async peer => this.locate(peer),
      publish: async (to, bytes) => this.publish(to, bytes)
    }
  }

  private claim (seed: string, peer: string, floor: number): number {
    const claims = this.live(peer)
    const token = Math.max(floor, Math.floor(this.clock.nowMs() * 1000), ...[...claims.values()].map(claim => claim.token + 1))
    claims.delete(seed)
    const [oldest] = [...claims].sort(([, a], [, b]) => a.token - b.token)
    if (claims.size >= MAX_LOCATIONS && oldest !== undefined) {
      claims.delete(oldest[0])
    }
    claims.set(seed, { token, expiresAtMs: this.clock.nowMs() + LOCATION_LIFE_MS })
    this.claims.delete(peer)
    this.claims.set(peer, claims)
    const [longest] = this.claims.keys()
    if (this.claims.size > MAX_PEERS && longest !== undefined) {
      this.claims.delete(longest)
    }
    return token
  }

  private renew (seed: string, peer: string, token: number): boolean {
    const claim = this.live(peer).get(seed)
    if (claim?.token !== token) {
      return false
    }
    claim.expiresAtMs = this.clock.nowMs() + LOCATION_LIFE_MS
    return true
  }

  private release (seed: string, peer: string, token: number): boolean {
    const claims = this.live(peer)
    const released = claims.get(seed)?.token === token && claims.delete(seed)
    if (claims.size === 0) {
      this.claims.delete(peer)
    }
    return released
  }

  private locate (peer: string): PeerLocation[] {
    return [...this.live(peer)].map(([seed, { token }]) => ({ seed, token })).sort((a, b) => b.token - a.token)
  }

  private publish (seed: string, bytes: Uint8Array): 'sent' | 'nobody' {
    const listener = this.listeners.get(seed)
    queueMicrotask(() => { listener?.onMessage(bytes) })
    return listener === undefined ? 'nobody' : 'sent'
  }

  private live (peer: string): Map<string, Claim> {
    const claims = this.claims.get(peer) ?? new Map<string, Claim>()
    for (const [seed, { expiresAtMs }] of claims) {
      if (expiresAtMs <= this.clock.nowMs()) {
        claims.delete(seed)
      }
    }
    return claims
  }
}
