/** The puzzle that makes peer ids cost work: solving and checking it. */
export { checkPuzzle } from './puzzle-check.ts'
export { solvePuzzle } from './puzzle-solver.ts'
export { DEFAULT_PUZZLE_BITS, decodeSolution, encodeSolution, MAX_PUZZLE_BITS, PUZZLE_WINDOW_MS, puzzleExpiryMs, puzzleWindow } from './puzzle.ts'
export type { PuzzleSolution } from './puzzle.ts'
