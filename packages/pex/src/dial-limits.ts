/**
 * How often peers that others told of are dialled: exchange must not make this node a weapon against who is told of (N. Naoumov, K. Ross,
 * "Exploiting P2P Systems for DDoS Attacks", 2006), nor let one source decide whom it knows.
 */
import { BoundedMap } from '@skein/core'
import { smallNetworkOf, networksOf } from './address-network.ts'

export interface DialLimitsInit {
  /**
   * Dials into one /24 (IPv4), /48 (IPv6) or host name in any minute.
   *
   * @default 2
   */
  perNetworkPerMinute?: number
  /**
   * Largest share of the dials of the last ten minutes that go to what one source told of.
   *
   * @default 0.1
   */
  sourceShare?: number
  /**
   * Dials that each source may cause in ten minutes whatever their share is: without them a newcomer that knows two peers could dial nobody.
   *
   * @default 2
   */
  sourceFloor?: number
  /**
   * Dials in ten minutes, over all.
   *
   * @default 300
   */
  maxDials?: number
}

/** All only grow. */
export interface DialCounters {
  /** Dials that these limits let through */
  dials_total: number
  /** Dials by others, such as a DHT, that were refused: each of the peer's networks has had its share of this minute */
  refused_total: number
}

export const DIAL_MINUTE_MS = 60_000
export const DIAL_WINDOW_MS = 600_000
/** Networks remembered: more than are dialled in a minute at the most dials allowed, and 4 addresses each. */
const MAX_NETWORKS = 4096

interface Dial {
  atMs: number
  source: string | undefined
}

export class DialLimits {
  readonly counters: DialCounters = { dials_total: 0, refused_total: 0 }
  private readonly perNetwork: number
  private readonly sourceShare: number
  private readonly sourceFloor: number
  private readonly maxDials: number
  /** The dials of the window, oldest first; at most `maxDials` */
  private readonly dials: Dial[] = []
  /** The times of the last dials into each network, oldest first */
  private readonly networks: BoundedMap<string, number[]>

  constructor (init: DialLimitsInit = {}) {
    this.perNetwork = init.perNetworkPerMinute ?? 2
    this.sourceShare = init.sourceShare ?? 0.1
    this.sourceFloor = init.sourceFloor ?? 2
    this.maxDials = init.maxDials ?? 300
    this.networks = new BoundedMap({ maxSize: Math.max(MAX_NETWORKS, 4 * this.maxDials) })
  }

  /**
   * Which of a peer's addresses may be dialled now; none when its source has had its share.
   *
   * @param source the peer that told of it; `undefined` for one's own knowledge and for peers that were given by the user
   */
  plan (addresses: readonly string[], source: string | undefined, nowMs: number): string[] {
    this.forget(nowMs)
    if (this.dials.length >= this.maxDials || !this.admitsSource(source)) {
      return []
    }
    return this.planNetworks(addresses, nowMs)
  }

  /**
   * Which of a peer's addresses may be dialled by the rule of networks alone. A `/dnsaddr` is none: whoever owns the name chooses how many addresses
   * it stands for, and whose.
   */
  planNetworks (addresses: readonly string[], nowMs: number): string[] {
    const taken = new Map<string, number>()
    return addresses.filter(address => {
      if (address.startsWith('/dnsaddr/')) {
        return false
      }
      const network = smallNetworkOf(address)
      if (network === undefined) {
        return true
      }
      const planned = taken.get(network) ?? 0
      const made = (this.networks.get(network) ?? []).filter(atMs => nowMs - atMs < DIAL_MINUTE_MS).length
      taken.set(network, planned + 1)
      return made + planned < this.perNetwork
    })
  }

  /** The addresses of a plan are dialled. */
  onDial (addresses: readonly string[], source: string | undefined, nowMs: number): void {
    this.forget(nowMs)
    this.dials.push({ atMs: nowMs, source })
    this.count(addresses, nowMs)
  }

  /**
   * For a dial that this node's own reasons caused and not a source: the addresses that may be dialled, which count as dialled from now on; none when
   * it is refused.
   */
  take (addresses: readonly string[], nowMs: number): string[] {
    const taken = this.planNetworks(addresses, nowMs)
    if (taken.length > 0) {
      this.count(taken, nowMs)
    } else {
      this.counters.refused_total++
    }
    return taken
  }

  private count (addresses: readonly string[], nowMs: number): void {
    this.counters.dials_total++
    for (const network of networksOf(addresses, smallNetworkOf)) {
      const count = addresses.filter(address => smallNetworkOf(address) === network).length
      const times = [...this.networks.get(network) ?? [], ...Array.from({ length: count }, () => nowMs)]
      this.networks.set(network, times.slice(-this.perNetwork))
    }
  }

  private admitsSource (source: string | undefined): boolean {
    if (source === undefined) {
      return true
    }
    const caused = this.dials.filter(dial => dial.source === source).length
    return caused < this.sourceFloor || caused + 1 <= this.sourceShare * (this.dials.length + 1)
  }

  private forget (nowMs: number): void {
    let over = 0
    while (over < this.dials.length && nowMs - (this.dials[over] as Dial).atMs >= DIAL_WINDOW_MS) {
      over++
    }
    this.dials.splice(0, over)
  }
}
