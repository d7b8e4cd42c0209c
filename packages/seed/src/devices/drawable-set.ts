/** A set that one can walk from a place drawn at random, in steps drawn at random. */

export class DrawableSet<T> {
  private readonly members: T[] = []
  private readonly slots = new Map<T, number>()

  get size (): number {
    return this.members.length
  }

  add (member: T): void {
    if (!this.slots.has(member)) {
      this.slots.set(member, this.members.length)
      this.members.push(member)
    }
  }

  delete (member: T): void {
    const slot = this.slots.get(member)
    if (slot == null) {
      return
    }
    this.slots.delete(member)
    const last = this.members.pop() as T
    if (last !== member) {
      this.members[slot] = last
      this.slots.set(last, slot)
    }
  }

  /** The member at a place, counted round and round. Steps that have no factor in common with the size meet every member once a round. */
  at (place: number): T {
    return this.members[place % this.members.length] as T
  }

  values (): IterableIterator<T> {
    return this.members.values()
  }
}
