/** In which order the targets of SRV records are tried: RFC 2782, "Weight". */
import { randomBelow, shuffle } from '@skein/core'
import type { Random } from '@skein/core'
import type { SrvRecord } from './name-resolver.ts'

/** The lowest priority first; within one, each next is drawn with a chance in proportion to its weight, those without a weight last as a rule. */
export function srvOrder (records: SrvRecord[], random: Random): SrvRecord[] {
  const byPriority = [...Map.groupBy(records, ({ priority }) => priority)].sort(([a], [b]) => a - b)
  return byPriority.flatMap(([, group]) => drawAll(group, random))
}

function drawAll (group: SrvRecord[], random: Random): SrvRecord[] {
  // "all those with weight 0 are placed at the beginning of the list": then a draw of 0 alone falls on them. Otherwise "in any order"
  const left = shuffle(random, [...group]).sort((a, b) => Number(a.weight > 0) - Number(b.weight > 0))
  const order: SrvRecord[] = []
  while (left.length > 0) {
    const sum = left.reduce((total, { weight }) => total + weight, 0)
    let draw = randomBelow(random, sum + 1)
    const at = left.findIndex(({ weight }) => (draw -= weight) <= 0)
    order.push(...left.splice(at, 1))
  }
  return order
}
