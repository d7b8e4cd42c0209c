/**
 * The parts that a registry in Redis is divided into: a fixed set, so that every seed knows all of them and no name from outside becomes a key. A
 * part is a hash tag: its keys lie on one node of a cluster, and one script can change them together.
 */
import { crc32 } from '@skein/core'
import { knownRegion, knownRegions } from '@skein/routing'
import { mix32 } from '../registry/keyed-hash.ts'
import type { OrderRegions } from '../registry/region-order.ts'

/** For the regions that are on no map: each name has one of these. */
const OTHERS = 16
const NOWHERE = 'none'

const BASES = knownRegions()
/** A region of the map has a part for itself, and one for its numbered kin (`us-east-1`), which lie where it does. */
export const REGION_TAGS: readonly string[] = [
  ...BASES, ...BASES.map(base => `${base}+`), NOWHERE, ...Array.from({ length: OTHERS }, (_, i) => `other-${i}`)
]

export function regionTag (region: string): string {
  if (region === '') {
    return NOWHERE
  }
  const known = knownRegion(region)
  if (known !== undefined) {
    return known === region ? known : `${known}+`
  }
  return `other-${crc32(new TextEncoder().encode(region)) % OTHERS}`
}

/** All parts, the near ones first; for one who is nowhere (`near` is `undefined` or empty) an order of its own. */
export function orderTags (near: string | undefined, start: number, orderRegions: OrderRegions): string[] {
  if (near === undefined || near === '') {
    const keys = new Map(REGION_TAGS.map((tag, i) => [tag, mix32(start ^ mix32(i + 1))]))
    return [...REGION_TAGS].sort((a, b) => (keys.get(a) as number) - (keys.get(b) as number))
  }
  const own = regionTag(near)
  const bases = orderRegions(knownRegion(near) ?? near, [...BASES])
  const tags = [own, ...bases.flatMap(base => [base, `${base}+`]), ...REGION_TAGS]
  return [...new Set(tags)].filter(tag => REGION_TAGS.includes(tag))
}
