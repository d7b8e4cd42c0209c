/**
 * Round trips between regions as a cloud measured them: medians of the thirty days before 9 April 2024, ms, from "Azure network round-trip latency
 * statistics", https://learn.microsoft.com/azure/networking/azure-network-latency (https://github.com/MicrosoftDocs/azure-docs), © Microsoft,
 * licensed CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/). Changed here: 24 of the regions were chosen and given the names that Skein uses,
 * and of the two directions of a pair, which differ by a few milliseconds, one is given.
 */

/** Skein's name, the cloud's, and the round trips to the regions above it in this table. */
const TABLE: Array<[name: string, cloudRegion: string, roundTripsMs: number[]]> = [
  ['us-east', 'East US', []],
  ['us-central', 'Central US', [32]],
  ['us-north', 'North Central US', [24, 10]],
  ['us-south', 'South Central US', [37, 27, 35]],
  ['us-west', 'West US', [69, 40, 49, 36]],
  ['ca-central', 'Canada Central', [22, 26, 26, 50, 68]],
  ['ca-east', 'Canada East', [29, 33, 34, 58, 81, 15]],
  ['sa-east', 'Brazil South', [118, 149, 137, 142, 186, 132, 139]],
  ['uk-south', 'UK South', [78, 98, 94, 110, 137, 92, 98, 180]],
  ['eu-west', 'West Europe', [84, 104, 100, 114, 146, 97, 103, 185, 11]],
  ['eu-central', 'Germany West Central', [90, 110, 104, 119, 149, 103, 109, 192, 17, 11]],
  ['eu-north', 'Sweden Central', [104, 124, 121, 135, 164, 119, 124, 208, 32, 25, 27]],
  ['eu-south', 'Italy North', [101, 129, 120, 131, 168, 113, 119, 202, 31, 24, 18, 42]],
  ['eu-east', 'Poland Central', [104, 123, 117, 133, 161, 118, 124, 206, 30, 24, 20, 26, 33]],
  ['me-west', 'Israel Central', [134, 165, 153, 160, 201, 147, 153, 235, 60, 62, 53, 85, 48, 68]],
  ['me-central', 'UAE North', [193, 223, 211, 215, 254, 205, 212, 293, 118, 120, 117, 141, 114, 133, 141]],
  ['af-south', 'South Africa North', [233, 265, 253, 260, 302, 246, 253, 334, 160, 162, 162, 186, 167, 177, 194, 253]],
  ['ap-south', 'Central India', [210, 240, 227, 230, 220, 222, 229, 311, 134, 139, 134, 157, 131, 150, 158, 38, 270]],
  ['ap-southeast', 'Southeast Asia', [227, 200, 208, 194, 171, 221, 228, 343, 157, 159, 156, 180, 153, 172, 180, 86, 293, 54]],
  ['ap-east', 'East Asia', [204, 180, 188, 170, 151, 200, 208, 331, 188, 189, 186, 211, 184, 203, 211, 116, 323, 84, 36]],
  ['ap-north', 'Korea Central', [184, 161, 168, 154, 132, 182, 189, 303, 222, 224, 221, 245, 218, 237, 246, 151, 357, 119, 70, 40]],
  ['ap-northeast', 'Japan East', [158, 137, 145, 127, 108, 157, 165, 280, 226, 226, 223, 247, 220, 239, 249, 154, 360, 121, 72, 48, 33]],
  ['au-east', 'Australia East', [204, 177, 185, 173, 140, 199, 206, 311, 258, 259, 243, 267, 240, 259, 280, 170, 379, 140, 90, 120, 130, 103]],
  ['au-southeast', 'Australia Southeast',
    [204, 184, 192, 173, 153, 206, 213, 312, 240, 242, 239, 262, 236, 254, 264, 166, 375, 136, 85, 120, 142, 115, 16]]
]

/** Within one region. The source has no figure for it; the same cloud says that the zones of a region are less than 2 ms apart. */
const WITHIN_MS = 2

const ROWS = new Map(TABLE.map(([name], row) => [name, row]))

/** The names of the regions. */
export function measuredRegions (): string[] {
  return TABLE.map(([name]) => name)
}

/** Between two regions, or within one, ms. */
export function roundTripMs (a: string, b: string): number {
  const [rowA, rowB] = [rowOf(a), rowOf(b)]
  return rowA === rowB ? WITHIN_MS : (TABLE[Math.max(rowA, rowB)]?.[2][Math.min(rowA, rowB)] as number)
}

function rowOf (name: string): number {
  const row = ROWS.get(name)
  if (row === undefined) {
    throw new RangeError(`No round trips are known for the region "${name}": there are ${measuredRegions().join(', ')}`)
  }
  return row
}
