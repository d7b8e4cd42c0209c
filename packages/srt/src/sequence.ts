/** Packet sequence numbers: 31 bits that wrap (draft-sharabayko-srt-01, §3.1). A distance is that of the shorter way round. */

const MASK = 0x7fffffff
const HALF = 0x40000000

/** `sequence` moved by `count`, which may be negative. */
export function addSequence (sequence: number, count: number): number {
  return (sequence + count) & MASK
}

/** How far `to` is ahead of `from`, −2^30 ≤ x < 2^30. */
export function sequenceDistance (from: number, to: number): number {
  const ahead = (to - from) & MASK
  return ahead >= HALF ? ahead - MASK - 1 : ahead
}

export function isSequenceBefore (a: number, b: number): boolean {
  return sequenceDistance(a, b) > 0
}
