/**
 * Which lookups cover all nodes near a key, however many Sybils crowd it: the region is the subtree around the key in which the size of the network
 * lets expect k to 2k nodes (S. Sridhar et al., "Content Censorship in the InterPlanetary File System", NDSS 2024, §VI), and a part of it whose
 * nodes did not all fit one answer is cut in two. Sybils at the key thus crowd out none but those of the smallest part that they are in.
 */

export interface RegionSweepInit {
  /** Upper and lower half of the key */
  keyHi: number
  keyLo: number
  /** Nodes that the region should have at least, and that a lookup finds. @default 20 */
  k?: number
  /** Estimate of the nodes in the network */
  networkSize: number
  /**
   * A part in which so many nodes are expected is not cut any further.
   *
   * @default 0.5
   */
  leastExpected?: number
  /** Most lookups of a sweep. @default 32 */
  maxLookups?: number
  /**
   * The key itself was looked up, and all that was found crowds around it: parts around the key are cut and not looked up again.
   *
   * @default false
   */
  crowded?: boolean
}

/** A part of the region: all ids that share the first `bits` with its target, which is what to look up. */
export interface RegionPart {
  readonly targetHi: number
  readonly targetLo: number
  readonly bits: number
}

/** Bits that the nodes of a key's region share with the key. */
export function regionBits (networkSize: number, k: number): number {
  return Math.min(32, Math.max(0, Math.floor(Math.log2(Math.max(1, networkSize / k)))))
}

export function isInPart (part: RegionPart, hi: number): boolean {
  return part.bits === 0 || ((hi ^ part.targetHi) >>> (32 - part.bits)) === 0
}

export class RegionSweep {
  readonly region: RegionPart
  private readonly deepest: number
  private readonly maxLookups: number
  private readonly parts: RegionPart[]
  private readonly crowded: boolean
  private lookups = 0

  constructor (init: RegionSweepInit) {
    const { keyHi, keyLo, networkSize, k = 20, leastExpected = 0.5 } = init
    this.region = { targetHi: keyHi, targetLo: keyLo, bits: regionBits(networkSize, k) }
    this.deepest = Math.min(32, Math.max(this.region.bits, Math.ceil(Math.log2(Math.max(1, networkSize / leastExpected)))))
    this.maxLookups = init.maxLookups ?? 32
    this.crowded = init.crowded ?? false
    this.parts = [this.region]
  }

  /** The part to look up next; `undefined` when the region is covered, or as many lookups were made as may be. */
  next (): RegionPart | undefined {
    while (this.crowded && this.parts[0]?.targetHi === this.region.targetHi) {
      this.onFound(this.parts.shift() as RegionPart, true)
    }
    if (this.parts.length === 0 || this.lookups >= this.maxLookups) {
      return undefined
    }
    this.lookups++
    return this.parts.shift()
  }

  /** `overfull`: all k that a lookup found lie in the part, so that there may be more. */
  onFound (part: RegionPart, overfull: boolean): void {
    if (!overfull || part.bits >= this.deepest) {
      return
    }
    const bits = part.bits + 1
    // the half without the target first: Sybils at the key are not in it
    this.parts.push(
      { targetHi: (part.targetHi ^ (0x80000000 >>> part.bits)) >>> 0, targetLo: part.targetLo, bits },
      { targetHi: part.targetHi, targetLo: part.targetLo, bits }
    )
  }
}
