/** The providers of one model in sight, each once: how many there are, and whom one could dial. */
import { BoundedMap } from '@skein/core'

/** A provider, and where it can be dialled. */
export interface ProviderContact {
  peer: string
  /** Multiaddr texts; may be empty */
  addresses: string[]
}

interface Sighting extends ProviderContact {
  seenMs: number
  dialledMs: number
}

/** More than any decision needs to know of; beyond it the one seen longest ago goes. */
const MAX_PROVIDERS = 256
const MAX_ADDRESSES = 4
/** Whoever could not be reached is not tried again for so long, ms. */
const DIAL_AGAIN_MS = 600_000

export class Crowd {
  private readonly lifeMs: number
  private readonly providers = new BoundedMap<string, Sighting>({ maxSize: MAX_PROVIDERS })

  constructor (lifeMs: number) {
    this.lifeMs = lifeMs
  }

  onSeen ({ peer, addresses }: ProviderContact, nowMs: number): void {
    const dialledMs = this.providers.get(peer)?.dialledMs ?? -Infinity
    this.providers.set(peer, { peer, addresses: addresses.slice(0, MAX_ADDRESSES), seenMs: nowMs, dialledMs })
  }

  onGone (peer: string): void {
    this.providers.delete(peer)
  }

  /** Providers in sight. */
  size (nowMs: number): number {
    for (const [peer, { seenMs }] of this.providers) {
      if (nowMs - seenMs < this.lifeMs) {
        break // they are in the order in which they were seen
      }
      this.providers.delete(peer)
    }
    return this.providers.size
  }

  /** So many to dial, those seen last first; they are not given again soon. */
  toDial (count: number, nowMs: number): ProviderContact[] {
    const chosen = [...this.providers.values()]
      .filter(({ addresses, dialledMs }) => addresses.length > 0 && nowMs - dialledMs >= DIAL_AGAIN_MS)
      .slice(-count).reverse()
    chosen.forEach(sighting => { sighting.dialledMs = nowMs })
    return chosen.map(({ peer, addresses }) => ({ peer, addresses }))
  }
}
