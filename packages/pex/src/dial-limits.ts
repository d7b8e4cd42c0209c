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
  /**
   * The longest for which a network is left alone where dials fail: from the second failure in a row on for half an hour, and twice as long after
   * each further one. Without it (0) a victim that is told of as a peer is dialled by each node for as long as somebody tells of it. Longer: less of
   * that; but addresses that were dead for a day are found alive later.
   *
   * @default 86_400_000
   */
  maxBackOffMs?: number
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

/** In a row, within a network, before it is left alone: an address that has gone is nothing unusual. */
const FREE_FAILURES = 1
const FIRST_BACK_OFF_MS = 1_800_000
/** Without a success for so long it is this node that has no network, and no failure counts, ms. */
const OWN_OUTAGE_MS = 600_000

interface Dial {
  atMs: number
  source: string | undefined
}

interface Failures {
  count: number
  untilMs: number
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
  private readonly maxBackOffMs: number
  /** Dials that failed in a row, by network */
  private readonly failures: BoundedMap<string, Failures>
  private succeededMs = -Infinity

  constructor (init: DialLimitsInit = {}) {
    this.perNetwork = init.perNetworkPerMinute ?? 2
    this.sourceShare = init.sourceShare ?? 0.1
    this.sourceFloor = init.sourceFloor ?? 2
    this.maxDials = init.maxDials ?? 300
    this.networks = new BoundedMap({ maxSize: Math.max(MAX_NETWORKS, 4 * this.maxDials) })
    this.maxBackOffMs = init.maxBackOffMs ?? 24 * 3_600_000
    this.failures = new BoundedMap({ maxSize: this.networks.maxSize })
  }

  /**
   * Which of a peer's addresses may be dialled now; none when its source has had its share.
   *
   * @param source the peer that told of it; `undefined` for one's own knowledge and for peers that were given by the user
   * @param hasWorked this node dialled it before and it answered: that dials fail in its network is nothing against it
   */
  plan (addresses: readonly string[], source: string | undefined, nowMs: number, hasWorked = false): string[] {
    this.forget(nowMs)
    if (this.dials.length >= this.maxDials || !this.admitsSource(source)) {
      return []
    }
    return this.planNetworks(hasWorked ? addresses : addresses.filter(address => !this.isLeftAlone(address, nowMs)), nowMs)
  }

  /**
   * Which of a peer's addresses may be dialled by the rule of networks alone. A `/dnsaddr` is none: whoever owns the name chooses how many addresses
   * it stands for, and whose. Nor is a circuit: a relay's bytes are for requests, and a peer that is reached through one dials others itself.
   */
  planNetworks (addresses: readonly string[], nowMs: number): string[] {
    const taken = new Map<string, number>()
    return addresses.filter(address => {
      if (address.startsWith('/dnsaddr/') || address.includes('/p2p-circuit')) {
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

  /** These, taken before, led to their peer: nobody was harmed, and they do not count as dialled any more. */
  giveBack (addresses: readonly string[]): void {
    for (const network of networksOf(addresses, smallNetworkOf)) {
      const count = addresses.filter(address => smallNetworkOf(address) === network).length
      const times = this.networks.get(network) ?? []
      this.networks.set(network, times.slice(0, Math.max(0, times.length - count)))
    }
  }

  private count (addresses: readonly string[], nowMs: number): void {
    this.counters.dials_total++
    for (const network of networksOf(addresses, smallNetworkOf)) {
      const count = addresses.filter(address => smallNetworkOf(address) === network).length
      const times = [...this.networks.get(network) ?? [], ...Array.from({ length: count }, () => nowMs)]
      this.networks.set(network, times.slice(-this.perNetwork))
    }
  }

  /** Dials of these, which began then, led to nobody. */
  onFailed (addresses: readonly string[], nowMs: number): void {
    if (nowMs - this.succeededMs >= OWN_OUTAGE_MS) {
      return
    }
    for (const network of networksOf(addresses, smallNetworkOf)) {
      const count = (this.failures.get(network)?.count ?? 0) + 1
      const backOffMs = count > FREE_FAILURES ? Math.min(this.maxBackOffMs, FIRST_BACK_OFF_MS * 2 ** (count - FREE_FAILURES - 1)) : 0
      this.failures.set(network, { count, untilMs: nowMs + backOffMs })
    }
  }

  /** A dial of these led to its peer. Of several networks nobody knows which it was: one could be a victim's, told of beside one that works. */
  onSucceeded (addresses: readonly string[], nowMs: number): void {
    this.succeededMs = Math.max(this.succeededMs, nowMs)
    const networks = networksOf(addresses, smallNetworkOf)
    if (networks.length === 1) {
      this.failures.delete(networks[0] as string)
    }
  }

  private isLeftAlone (address: string, nowMs: number): boolean {
    const network = smallNetworkOf(address)
    return network !== undefined && nowMs < (this.failures.get(network)?.untilMs ?? 0)
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
