/** In which order regions are searched: the near ones first, and for one who is nowhere an order of its own. */
import { BoundedMap } from '@skein/core'
import { regionsByDistance } from '@skein/routing'
import { mix32 } from './keyed-hash.ts'
import type { KeyedHash } from './keyed-hash.ts'
import type { NameDictionary } from './name-dictionary.ts'

/** Orders region names by how near they are; a seed that has measured times between regions knows better than the map. */
export type OrderRegions = (near: string, known: string[]) => string[]

const MAX_REMEMBERED = 256

export class RegionOrder {
  private readonly orderRegions: OrderRegions
  private readonly hash: KeyedHash
  private readonly remembered = new BoundedMap<string, string[]>({ maxSize: MAX_REMEMBERED })
  private version = -1

  constructor (hash: KeyedHash, orderRegions: OrderRegions = regionsByDistance) {
    this.hash = hash
    this.orderRegions = orderRegions
  }

  /** The same for the same set of names, whatever else happened. `extra` is a name that a cursor stands at, which may be gone. */
  regions (known: NameDictionary, near: string | undefined, start: number, extra: string | undefined): string[] {
    if (known.version !== this.version) {
      this.remembered.clear()
      this.version = known.version
    }
    const isGone = extra !== undefined && known.code(extra) === undefined
    let order = near === undefined || isGone ? undefined : this.remembered.touch(near)
    if (order === undefined) {
      order = this.order([...known.names(), ...(isGone ? [extra] : [])], near, start)
      if (near !== undefined && !isGone) {
        this.remembered.set(near, order)
      }
    }
    return order
  }

  private order (known: string[], near: string | undefined, start: number): string[] {
    if (near !== undefined) {
      return this.orderRegions(near, [...known].sort())
    }
    const keys = new Map(known.map(name => [name, mix32(this.hash.text(name, REGION_TURN).lo ^ start)]))
    return [...known].sort((a, b) => (keys.get(a) as number) - (keys.get(b) as number) || (a < b ? -1 : 1))
  }
}

const REGION_TURN = 7
