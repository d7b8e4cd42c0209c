/** Identifiers of 64 bits as two unsigned halves, and the XOR metric on them (Maymounkov and Mazières 2002, §2.1). */

/** How many bits two identifiers have in common from the first, 0 to 64. */
export function commonPrefix (aHigh: number, aLow: number, bHigh: number, bLow: number): number {
  const high = (aHigh ^ bHigh) >>> 0
  return high !== 0 ? Math.clz32(high) : 32 + Math.clz32((aLow ^ bLow) >>> 0)
}

/** Below 0 when a is closer to the target than b, above 0 when b is, 0 when they are the same. */
export function compareXor (aHigh: number, aLow: number, bHigh: number, bLow: number, targetHigh: number, targetLow: number): number {
  const difference = ((aHigh ^ targetHigh) >>> 0) - ((bHigh ^ targetHigh) >>> 0)
  return difference !== 0 ? difference : ((aLow ^ targetLow) >>> 0) - ((bLow ^ targetLow) >>> 0)
}

/** As text: 16 hexadecimal digits. */
export function idText (high: number, low: number): string {
  return [high, low].map(half => (half >>> 0).toString(16).padStart(8, '0')).join('')
}
