/** Solves the puzzle of a peer id by Wagner's algorithm (as in the paper that `puzzle.ts` names), in steps between which others may run. */
import { CHUNK_BITS, encodeSolution, PUZZLE_ROUNDS, puzzleKey, SOLUTION_INDICES, solutionBits, STRINGS } from './puzzle.ts'
import { drawStrings } from './puzzle-strings.ts'

/** Rows that a step goes through: some 5 ms on an ordinary machine. */
const STEP_ROWS = 2 ** 15
const BUCKETS = 2 ** CHUNK_BITS
/** Of one round there are about two; those that name an index twice come on top. */
const MAX_FOUND = 256

interface Layer {
  /** What is left of each row's chunks */
  chunks: Uint32Array[]
  rows: number
}

/** Rows of the layer before, of which each row of a layer is the sum. */
interface Pairs {
  left: Uint32Array
  right: Uint32Array
}

/**
 * Yields the number of puzzles that were tried so far, and returns the solution encoded. Each try finds one with a probability of about
 * 1 − exp(−2 / 2^bits), whatever was tried before.
 */
export function * solvePuzzle (peer: string, window: number, bits: number): Generator<number, Uint8Array<ArrayBuffer>, void> {
  for (let nonce = 0; ; nonce++) {
    const key = puzzleKey(peer, window, nonce)
    for (const indices of yield * solutionsOf(key, nonce)) {
      if (solutionBits(key, indices) >= bits) {
        return encodeSolution({ window, nonce, indices })
      }
    }
  }
}

function * solutionsOf (key: Uint8Array, tries: number): Generator<number, Uint32Array[], void> {
  let layer: Layer = { chunks: newChunks(PUZZLE_ROUNDS + 1), rows: STRINGS }
  for (let at = 0; at < STRINGS; at += STEP_ROWS) {
    drawStrings(key, at / 4, STEP_ROWS / 4, layer.chunks, at)
    yield tries
  }
  const pairs: Pairs[] = []
  for (let round = 0; round < PUZZLE_ROUNDS; round++) {
    const next: Layer = round < PUZZLE_ROUNDS - 1 ? { chunks: newChunks(layer.chunks.length - 1), rows: 0 } : { chunks: [], rows: 0 }
    pairs.push(yield * collide(layer, next, tries))
    layer = next
  }
  const found = Array.from({ length: layer.rows }, (_, row) => Uint32Array.from(indicesOf(pairs, PUZZLE_ROUNDS - 1, row)))
  return found.filter(indices => new Set(indices).size === SOLUTION_INDICES)
}

/** Pairs the rows whose first chunks are equal, and fills `next` with their sums; in the last round, those whose second chunks are equal too. */
function * collide ({ chunks: [head, ...rest], rows }: Layer, next: Layer, tries: number): Generator<number, Pairs, void> {
  const isLast = next.chunks.length === 0
  const max = isLast ? MAX_FOUND : STRINGS
  const pairs = { left: new Uint32Array(max), right: new Uint32Array(max) }
  const { order, ends } = sorted(head as Uint32Array, rows)
  yield tries
  let stepped = 0
  for (let bucket = 0, from = 0; bucket < BUCKETS; bucket++) {
    const to = ends[bucket] as number
    for (let x = from; x < to; x++) {
      const left = order[x] as number
      for (let y = x + 1; y < to && next.rows < max; y++) {
        const right = order[y] as number
        if (isLast ? (rest[0] as Uint32Array)[left] === (rest[0] as Uint32Array)[right] : add(rest, left, right, next)) {
          pairs.left[next.rows] = left
          pairs.right[next.rows] = right
          next.rows++
        }
      }
    }
    from = to
    if (from - stepped >= STEP_ROWS) {
      stepped = from
      yield tries
    }
  }
  return pairs
}

/** The rows in the order of their first chunks, by counting; bucket `b` ends before `ends[b]`. */
function sorted (head: Uint32Array, rows: number): { order: Uint32Array, ends: Uint32Array } {
  const ends = new Uint32Array(BUCKETS)
  for (let row = 0; row < rows; row++) {
    ends[head[row] as number]!++
  }
  let sum = 0
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const count = ends[bucket] as number
    ends[bucket] = sum
    sum += count
  }
  const order = new Uint32Array(rows)
  for (let row = 0; row < rows; row++) {
    order[ends[head[row] as number]!++] = row
  }
  return { order, ends }
}

/** Whether anything is left of the sum; nothing is when both are made of the same strings. */
function add (rest: Uint32Array[], left: number, right: number, { chunks, rows }: Layer): boolean {
  let all = 0
  for (let c = 0; c < rest.length; c++) {
    const chunk = rest[c] as Uint32Array
    const sum = (chunk[left] as number) ^ (chunk[right] as number);
    (chunks[c] as Uint32Array)[rows] = sum
    all |= sum
  }
  return all !== 0
}

function indicesOf (pairs: Pairs[], round: number, row: number): number[] {
  const layer = pairs[round]
  if (layer === undefined) {
    return [row]
  }
  const left = indicesOf(pairs, round - 1, layer.left[row] as number)
  const right = indicesOf(pairs, round - 1, layer.right[row] as number)
  return (left[0] as number) < (right[0] as number) ? [...left, ...right] : [...right, ...left]
}

function newChunks (count: number): Uint32Array[] {
  return Array.from({ length: count }, () => new Uint32Array(STRINGS))
}
