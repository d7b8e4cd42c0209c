/** A time in which some nodes' messages do not reach some others: of both sides alike, or one way only. */

export interface Partition {
  /** From so long after the start, ms */
  fromMs: number
  /** Until then, ms. `Infinity`: for good */
  untilMs: number
  /** Whether a node is on the one side */
  a: (node: number) => boolean
  /** Whether it is on the other. Default: all that are not on the one side */
  b?: (node: number) => boolean
  /**
   * - `both`: nothing passes
   * - `a-to-b`: what the one side sends to the other is lost, answers and all else pass
   *
   * @default 'both'
   */
  blocks?: 'both' | 'a-to-b'
}

/** Whether a message sent now is lost to a partition. */
export function isCut (partitions: readonly Partition[], from: number, to: number, nowMs: number): boolean {
  return partitions.some(({ fromMs, untilMs, a, b = node => !a(node), blocks = 'both' }) => nowMs >= fromMs && nowMs < untilMs &&
    ((a(from) && b(to)) || (blocks === 'both' && b(from) && a(to))))
}
