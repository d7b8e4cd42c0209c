/** How many of something one network may have: of a /24, a /16 (IPv6: /48, /32) and of an autonomous system. Places end by themselves. */
import { TimerTable } from '@skein/core'
import type { VerifiedNetwork } from '@skein/records'

export interface NetworkLimits {
  /** Most of one /24 (IPv6: /48) @default not limited */
  small?: number
  /** Most of one /16 (IPv6: /32) @default not limited */
  wide?: number
  /** Most of one autonomous system; of those whose system is not known, as many as like @default not limited */
  system?: number
}

/** What the network has as many of as it may have. */
export interface NetworkFull {
  /** `192.0.0.0/16`, `AS64500` */
  network: string
  limit: number
}

const LEVELS = ['small', 'wide', 'system'] as const

/** A network, and how many it may have. */
type Counted = NetworkFull

export class NetworkPlaces {
  private readonly limits: NetworkLimits
  private readonly counts = new Map<string, number>()
  /** The networks in which each holder is counted; as many as there are holders, which the caller bounds */
  private readonly holders = new Map<string, Counted[]>()
  private readonly ends = new TimerTable<string>()

  constructor (limits: NetworkLimits) {
    this.limits = limits
  }

  get size (): number {
    return this.holders.size
  }

  /** What stands against a place for `holder`, who may have one already. */
  refusal (holder: string, network: VerifiedNetwork | undefined, nowMs: number): NetworkFull | undefined {
    this.onTimeout(nowMs)
    return this.holders.has(holder) ? undefined : this.full(this.counted(network))
  }

  /** A place until then, or for longer than before; without a network it is not counted. One who moves to a full network is counted where it was. */
  take (holder: string, network: VerifiedNetwork | undefined, untilMs: number): void {
    const before = this.holders.get(holder)
    this.release(holder)
    const wanted = this.counted(network)
    const now = before !== undefined && this.full(wanted) !== undefined ? before : wanted
    if (now.length > 0) {
      this.count(now, 1)
      this.holders.set(holder, now)
      this.ends.set(holder, untilMs)
    }
  }

  release (holder: string): void {
    this.count(this.holders.get(holder) ?? [], -1)
    this.holders.delete(holder)
    this.ends.delete(holder)
  }

  private onTimeout (nowMs: number): void {
    for (let holder = this.ends.popDue(nowMs); holder !== undefined; holder = this.ends.popDue(nowMs)) {
      this.release(holder)
    }
  }

  /** The networks for which there is a limit. */
  private counted (network: VerifiedNetwork | undefined): Counted[] {
    const names = { small: network?.small, wide: network?.wide, system: network?.system === undefined ? undefined : `AS${network.system}` }
    return LEVELS.flatMap(level => {
      const [name, limit] = [names[level], this.limits[level]]
      return name === undefined || limit === undefined ? [] : [{ network: name, limit }]
    })
  }

  private full (wanted: Counted[]): NetworkFull | undefined {
    return wanted.find(({ network, limit }) => (this.counts.get(network) ?? 0) >= limit)
  }

  private count (networks: Counted[], change: number): void {
    for (const { network } of networks) {
      const count = (this.counts.get(network) ?? 0) + change
      if (count === 0) {
        this.counts.delete(network)
      } else {
        this.counts.set(network, count)
      }
    }
  }
}
