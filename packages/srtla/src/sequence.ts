/** Sequence numbers of SRT: 31 bits, and after the last one comes 0. */

const HALF = 0x40000000
const ALL = 0x80000000

/** How far `a` is ahead of `b`, negative when it is behind; right for numbers less than 2^30 apart. */
export function sequenceDistance (a: number, b: number): number {
  const ahead = (a - b) & 0x7fffffff
  return ahead < HALF ? ahead : ahead - ALL
}

export function sequenceAfter (sequence: number, steps = 1): number {
  return (sequence + steps) & 0x7fffffff
}
