/** Regions by their short names, and which lie nearest: a table of rough coordinates and the great-circle distance. */

/** Latitude and longitude of the middle of what clouds call by this name, degrees. */
const PLACES = new Map<string, readonly [number, number]>(Object.entries({
  'us-central': [41, -94],
  'us-east': [39, -77],
  'us-west': [40, -121],
  'us-south': [31, -97],
  'us-north': [45, -93],
  'ca-central': [45, -74],
  'ca-east': [46, -71],
  'ca-west': [51, -114],
  'mx-central': [20, -100],
  'sa-east': [-23, -46],
  'sa-west': [-33, -70],
  'sa-north': [5, -74],
  'eu-west': [52, -3],
  'eu-central': [50, 9],
  'eu-north': [60, 18],
  'eu-south': [43, 11],
  'eu-east': [50, 27],
  'uk-south': [51, 0],
  'me-central': [25, 54],
  'me-south': [26, 50],
  'me-west': [32, 35],
  'af-north': [31, 30],
  'af-south': [-33, 18],
  'af-west': [6, 3],
  'af-east': [-1, 37],
  'ap-south': [19, 73],
  'ap-southeast': [1, 104],
  'ap-east': [22, 114],
  'ap-northeast': [36, 139],
  'ap-north': [37, 127],
  'au-east': [-34, 151],
  'au-west': [-32, 116],
  'au-southeast': [-38, 145],
  'nz-north': [-37, 175]
} satisfies Record<string, [number, number]>))

/**
 * `known` in the order of their distance from `from`: `from` itself first, names that the table does not have last, in the
 * order given. A number at the end of a name (`us-east-1`) is ignored when there is no such name.
 */
export function regionsByDistance (from: string, known: Iterable<string>): string[] {
  const origin = placeOf(from)
  return [...known]
    .map((region, index) => ({ region, index, distance: region === from ? -1 : distance(origin, placeOf(region)) }))
    .sort((a, b) => compare(a.distance, b.distance) || a.index - b.index)
    .map(({ region }) => region)
}

/** Names that the table of places has. */
export function knownRegions (): string[] {
  return [...PLACES.keys()]
}

/** The name of the table that a region goes by, `us-east` for `us-east-1` as well; `undefined` for one that it does not have. */
export function knownRegion (region: string): string | undefined {
  return [region, region.replace(/-?\d+[a-z]?$/, '')].find(name => PLACES.has(name))
}

function placeOf (region: string): readonly [number, number] | undefined {
  const known = knownRegion(region)
  return known === undefined ? undefined : PLACES.get(known)
}

/** The angle between two places, radians (haversine). */
function distance (a: readonly [number, number] | undefined, b: readonly [number, number] | undefined): number {
  if (a === undefined || b === undefined) {
    return Infinity
  }
  const [aLatitude, aLongitude, bLatitude, bLongitude] = [...a, ...b].map(degrees => degrees * Math.PI / 180) as [number, number, number, number]
  const h = Math.sin((bLatitude - aLatitude) / 2) ** 2 +
    Math.cos(aLatitude) * Math.cos(bLatitude) * Math.sin((bLongitude - aLongitude) / 2) ** 2
  return 2 * Math.asin(Math.min(1, Math.sqrt(h)))
}

function compare (a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1
}
