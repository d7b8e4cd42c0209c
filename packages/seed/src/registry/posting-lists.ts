/** The lists of a registry: who is in a region, and who there has a model; found by region and term, as long as they hold something. */
import { HashIndex } from './hash-index.ts'
import { mix32 } from './keyed-hash.ts'
import type { PostingForest } from './posting-forest.ts'

/** All of a region. */
export const TERM_ALL = 0
/** Those of a region who have models that found no list of their own: to be asked one by one. */
export const TERM_REST = 1
const FIRST_MODEL_TERM = 2

/** The list term of a model, as loaded or as one that can be loaded; model codes start at 1. */
export function modelTerm (modelCode: number, loaded: boolean): number {
  return FIRST_MODEL_TERM + 2 * (modelCode - 1) + (loaded ? 0 : 1)
}

export function modelOfTerm (term: number): { code: number, loaded: boolean } | undefined {
  return term < FIRST_MODEL_TERM ? undefined : { code: ((term - FIRST_MODEL_TERM) >>> 1) + 1, loaded: (term & 1) === 0 }
}

export class PostingLists {
  private readonly forest: PostingForest
  private readonly maxLists: number
  private readonly index: HashIndex
  private readonly hashes: Uint32Array
  private readonly keys: Uint32Array
  private readonly roots: Uint32Array
  private readonly counts: Uint32Array
  private readonly freed: number[] = []
  private highest = 0

  constructor (maxLists: number, forest: PostingForest) {
    this.forest = forest
    this.maxLists = maxLists
    this.hashes = new Uint32Array(maxLists)
    this.keys = new Uint32Array(maxLists)
    this.roots = new Uint32Array(maxLists)
    this.counts = new Uint32Array(maxLists)
    this.index = new HashIndex(maxLists, this.hashes)
  }

  /** How many are in a list. */
  count (region: number, term: number): number {
    const list = this.find(region, term)
    return list === undefined ? 0 : this.counts[list] as number
  }

  /** The root of a list for `PostingForest.seek`, 0 when it is empty. */
  root (region: number, term: number): number {
    const list = this.find(region, term)
    return list === undefined ? 0 : this.roots[list] as number
  }

  /** Whether `add` would find a list or room for one. */
  hasRoom (lists: number): boolean {
    return this.highest - this.freed.length + lists <= this.maxLists
  }

  add (region: number, term: number, slot: number): void {
    const list = this.find(region, term) ?? this.create(region, term)
    this.roots[list] = this.forest.insert(this.roots[list] as number, slot)
    this.counts[list] = (this.counts[list] as number) + 1
  }

  remove (region: number, term: number, slot: number): void {
    const list = this.find(region, term) as number
    this.roots[list] = this.forest.delete(this.roots[list] as number, slot)
    this.counts[list] = (this.counts[list] as number) - 1
    if (this.counts[list] === 0) {
      this.index.delete(list)
      this.freed.push(list)
    }
  }

  private find (region: number, term: number): number | undefined {
    const key = keyOf(region, term)
    return this.index.find(mix32(key), list => this.keys[list] === key)
  }

  private create (region: number, term: number): number {
    const list = this.freed.pop() ?? this.highest++
    const key = keyOf(region, term)
    this.keys[list] = key
    this.hashes[list] = mix32(key)
    this.roots[list] = 0
    this.counts[list] = 0
    this.index.add(list)
    return list
  }
}

/** A region is a byte, a term has 24 bits. */
function keyOf (region: number, term: number): number {
  return (region * 0x1000000) + term
}
