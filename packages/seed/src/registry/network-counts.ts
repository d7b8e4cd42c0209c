/** How many registrations came from each network, in counters by a hash of its name: 16 bits a registration, and no list of networks to fill up. */
import type { KeyedHash } from './keyed-hash.ts'

/** 0 stands for "not counted". */
const COUNTERS = 0x10000

export class NetworkCounts {
  private readonly hash: KeyedHash
  private readonly domain: number
  private readonly maxPerNetwork: number
  private readonly counts = new Uint32Array(COUNTERS)

  /** Networks whose hashes are the same share a counter; nobody outside can choose which do. */
  constructor (hash: KeyedHash, domain: number, maxPerNetwork: number) {
    this.hash = hash
    this.domain = domain
    this.maxPerNetwork = maxPerNetwork
  }

  /** The counter of a network, 0 for one that is not counted. */
  codeOf (network: string | undefined): number {
    return network === undefined ? 0 : (this.hash.text(network, this.domain).lo % (COUNTERS - 1)) + 1
  }

  hasRoom (code: number): boolean {
    return code === 0 || (this.counts[code] as number) < this.maxPerNetwork
  }

  add (code: number): void {
    this.counts[code]!++
  }

  remove (code: number): void {
    this.counts[code]!--
  }
}
