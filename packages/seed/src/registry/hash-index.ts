/** Finds a number by its hash: open addressing in one typed array; what the number stands for is kept elsewhere. */
export class HashIndex {
  /** Number plus one, 0 for an empty place */
  private readonly places: Uint32Array
  private readonly mask: number
  private readonly hashes: Uint32Array

  /** `hashes[id]` is the hash of `id`, set before `add` and kept until after `delete`. At most `maxIds` are in it at once. */
  constructor (maxIds: number, hashes: Uint32Array) {
    // at most half full: probes are short
    const capacity = 2 ** Math.max(4, Math.ceil(Math.log2(maxIds * 2)))
    this.places = new Uint32Array(capacity)
    this.mask = capacity - 1
    this.hashes = hashes
  }

  /** The first id with this hash that `matches`. */
  find (hash: number, matches: (id: number) => boolean): number | undefined {
    for (let at = hash & this.mask; ; at = (at + 1) & this.mask) {
      const place = this.places[at] as number
      if (place === 0) {
        return undefined
      }
      if (this.hashes[place - 1] === hash && matches(place - 1)) {
        return place - 1
      }
    }
  }

  add (id: number): void {
    let at = (this.hashes[id] as number) & this.mask
    while (this.places[at] !== 0) {
      at = (at + 1) & this.mask
    }
    this.places[at] = id + 1
  }

  delete (id: number): void {
    let hole = (this.hashes[id] as number) & this.mask
    while (this.places[hole] !== id + 1) {
      hole = (hole + 1) & this.mask
    }
    // those behind move up, so that no tombstones pile up
    for (let at = (hole + 1) & this.mask; this.places[at] !== 0; at = (at + 1) & this.mask) {
      const home = (this.hashes[(this.places[at] as number) - 1] as number) & this.mask
      if (((at - home) & this.mask) >= ((at - hole) & this.mask)) {
        this.places[hole] = this.places[at] as number
        hole = at
      }
    }
    this.places[hole] = 0
  }
}
