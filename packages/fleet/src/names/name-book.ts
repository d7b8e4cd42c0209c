/** Where names point, by the newest word of each owner; and which word counts when several peers say the same name. */
import { BoundedMap } from '@skein/core'
import type { MeshName, NameRecord } from './mesh-name.ts'

/** `expired`: it pointed somewhere, and its owner has not said so again. */
export type NameAnswer =
  | { outcome: 'found', record: NameRecord }
  | { outcome: 'ambiguous', records: NameRecord[] }
  | { outcome: 'expired', record: NameRecord }
  | { outcome: 'unknown' }

/** Names, and claims of one, that are remembered. */
const MAX_NAMES = 1_024
const MAX_CLAIMS = 256

export class NameBook {
  private readonly names = new BoundedMap<string, BoundedMap<string, NameRecord>>({ maxSize: MAX_NAMES })

  /** A record whose signature was checked. @returns whether it is the newest of its owner */
  onRecord (record: NameRecord): boolean {
    const claims = this.names.touch(record.name) ?? new BoundedMap<string, NameRecord>({ maxSize: MAX_CLAIMS })
    const known = claims.get(record.owner)
    if (known !== undefined && known.seq > record.seq) {
      return false
    }
    claims.set(record.owner, record)
    this.names.set(record.name, claims)
    return true
  }

  /**
   * A name without an owner is answered only where one peer alone says it: in a mesh nobody can prove who came first, and who says it later must not
   * be able to lead others elsewhere. What it can do is make them ask for the owner.
   */
  answer ({ name, owner }: MeshName, nowMs: number): NameAnswer {
    const claims = [...this.names.get(name)?.values() ?? []].filter(record => owner === undefined || record.owner === owner)
    const alive = claims.filter(({ expiresAtMs }) => expiresAtMs > nowMs)
    const [record] = alive
    if (record !== undefined) {
      return alive.length === 1 ? { outcome: 'found', record } : { outcome: 'ambiguous', records: alive }
    }
    const [last] = claims.sort((a, b) => b.expiresAtMs - a.expiresAtMs)
    return last === undefined ? { outcome: 'unknown' } : { outcome: 'expired', record: last }
  }
}
