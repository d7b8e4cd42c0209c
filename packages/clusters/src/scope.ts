/**
 * The parts of the network that have a coordinator, by name: `eu-west` is a region, `eu-west/ZONE/` a zone of it, `eu-west/ZONE/0110` the
 * peers of the zone whose point begins with these bits. A cluster is such a part, and so is what lies between it and its zone.
 */

/** Bits by which a part above the clusters is coarser than those below it: 32 of them make one. */
export const LEVEL_BITS = 5
/** No cluster has a longer prefix. */
export const MAX_PREFIX_BITS = 24

const SCOPE = /^[a-z0-9-]{1,32}(\/[a-zA-Z0-9]{1,64}\/[01]{0,24})?$/

/** The name of a zone (no bits) or of a part of it: the first `depth` bits of `prefix`, which is the number that these bits write. */
export function scopeName (region: string, zone: string, prefix = 0, depth = 0): string {
  return `${region}/${zone}/${depth === 0 ? '' : prefix.toString(2).padStart(depth, '0')}`
}

/** The bits of a zone, or of a part of one, as `scopeName` takes them; `undefined` for a region. */
export function zonePart (name: string): { zone: string, prefix: number, depth: number } | undefined {
  const [, zone, bits = ''] = name.split('/')
  return zone === undefined ? undefined : { zone, prefix: bits === '' ? 0 : Number.parseInt(bits, 2), depth: bits.length }
}

export function isScope (name: string): boolean {
  return SCOPE.test(name)
}

/** Whether all peers of `inner` are in `outer`; a part is within itself. */
export function isWithin (inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(outer.includes('/') ? outer : `${outer}/`)
}

export function regionOf (name: string): string {
  return name.split('/')[0] as string
}

/** The part one level up; `undefined` for a region: regions exchange among themselves. */
export function parentScope (name: string): string | undefined {
  const [region = '', zone, bits = ''] = name.split('/')
  if (zone === undefined) {
    return undefined
  }
  return bits === '' ? region : `${region}/${zone}/${bits.slice(0, Math.floor((bits.length - 1) / LEVEL_BITS) * LEVEL_BITS)}`
}

/**
 * Of parts that may lie within each other, those that count, so that no peer counts twice: while peers do not agree yet whether a cluster is split,
 * there is a digest of the whole and one of a half. The finer ones count where together they are the whole, otherwise the coarser one.
 */
export function coveringScopes (names: Iterable<string>): string[] {
  const known = [...new Set(names)].sort((a, b) => a.length - b.length)
  const kept: string[] = []
  const gone = new Set<string>()
  for (const name of known) {
    if (gone.has(name)) {
      continue
    }
    const within = known.filter(other => other !== name && isWithin(other, name))
    if (within.length > 0 && (!name.includes('/') || !isWhole(name, within))) {
      within.forEach(other => gone.add(other))
      kept.push(name)
    } else if (within.length === 0) {
      kept.push(name)
    }
  }
  return kept
}

/** Whether the parts within one of a zone leave no bit string out (Kraft's sum over those that do not lie within another). */
function isWhole (name: string, within: string[]): boolean {
  const outermost = within.filter(one => !within.some(other => other !== one && isWithin(one, other)))
  return outermost.reduce((sum, one) => sum + 2 ** (name.length - one.length), 0) >= 1
}
