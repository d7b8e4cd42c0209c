/** How a ring of packets grows: its slots are found by sequence number, and doubled when the span of packets outgrows them. */

export const FIRST_SLOTS = 256

/** A power of two of slots that holds `span` packets. */
export function slotsFor (span: number): number {
  let slots = FIRST_SLOTS
  while (slots < span) {
    slots *= 2
  }
  return slots
}

interface Numbers {
  [at: number]: number
  readonly length: number
}

/** Moves what is in [`first`, `first` + `span`) to an array of more slots; slots are powers of two, so that sequence numbers wrap evenly. */
export function regrow<A extends Numbers> (from: A, to: A, first: number, span: number): A {
  for (let at = 0; at < span; at++) {
    const sequence = first + at
    to[sequence & (to.length - 1)] = from[sequence & (from.length - 1)] as number
  }
  return to
}

export function regrowItems<T> (from: T[], slots: number, first: number, span: number): T[] {
  const to = new Array<T>(slots)
  for (let at = 0; at < span; at++) {
    const sequence = first + at
    to[sequence & (slots - 1)] = from[sequence & (from.length - 1)] as T
  }
  return to
}
