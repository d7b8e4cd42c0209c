/** Whether a solution of a puzzle is one, for whom, and how much work is in it. */
import { RecordError } from '../record-error.ts'
import { decodeSolution, puzzleExpiryMs, puzzleKey, puzzleWindow, SOLUTION_INDICES, solutionBits, STRINGS } from './puzzle.ts'
import { stringOf } from './puzzle-strings.ts'

/**
 * Checks a solution that `peer` presents; the caller has made sure that it is that peer.
 *
 * @returns until when it holds, ms since the Unix epoch
 * @throws {RecordError} `malformed`, `expired` or `future` when it is of another window, `signature` when it solves nothing of this peer's, or with
 *   too little work
 */
export function checkPuzzle (peer: string, bytes: Uint8Array, minBits: number, nowMs: number): number {
  const { window, nonce, indices } = decodeSolution(bytes)
  const current = puzzleWindow(peer, nowMs)
  if (window < current - 1) {
    throw new RecordError('expired', 'The solution is of a time that is over; solve the puzzle of today')
  }
  // one window ahead is what a clock that is a little fast may give
  if (window > current + 1) {
    throw new RecordError('future', 'The solution is of a time to come; is a clock wrong?')
  }
  const key = puzzleKey(peer, window, nonce)
  if (solutionBits(key, indices) < minBits) {
    throw new RecordError('signature', `The solution has less than the work of ${2 ** minBits} puzzles, or is another peer's`)
  }
  if (!cancelsOut(key, indices)) {
    throw new RecordError('signature', 'The strings that the solution names do not cancel out; it is forged, or another peer\'s')
  }
  return Math.min(puzzleExpiryMs(peer, window), puzzleExpiryMs(peer, current))
}

/**
 * At each level of the tree one more chunk of the sum vanishes, and the left branch begins with the smaller index: what only comes about when the
 * strings were collected as the algorithm does, and in one order alone, so that one solution cannot be turned into others.
 */
function cancelsOut (key: Uint8Array, indices: Uint32Array): boolean {
  if (new Set(indices).size !== SOLUTION_INDICES || indices.some(index => index >= STRINGS)) {
    return false
  }
  let level = Array.from(indices, index => ({ first: index, sum: stringOf(key, index) }))
  for (let round = 0; level.length > 1; round++) {
    const next: typeof level = []
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i], level[i + 1]] as [typeof level[0], typeof level[0]]
      const sum = left.sum.map((chunk, c) => chunk ^ (right.sum[c] as number))
      if (left.first >= right.first || sum[round] !== 0) {
        return false
      }
      next.push({ first: left.first, sum })
    }
    level = next
  }
  return level[0]?.sum.every(chunk => chunk === 0) === true
}
