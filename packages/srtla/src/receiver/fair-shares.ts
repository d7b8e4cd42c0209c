/** How the packets that a receiver can pass on are divided between groups: max-min fairness. */

/**
 * What each gets of `capacity`: those who want less than an equal share get what they want, and the rest is divided equally between the others
 * (Bertsekas and Gallager, Data Networks, §6.5.2).
 */
export function fairShares (wants: readonly number[], capacity: number): number[] {
  const shares = new Array<number>(wants.length).fill(0)
  const order = wants.map((_, i) => i).sort((a, b) => (wants[a] as number) - (wants[b] as number))
  let left = capacity
  for (const [rank, i] of order.entries()) {
    const share = Math.min(wants[i] as number, left / (order.length - rank))
    shares[i] = share
    left -= share
  }
  return shares
}
