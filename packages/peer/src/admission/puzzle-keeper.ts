/** Solves the puzzle of this peer's id when a seed asks for it, a little at a time so that all else goes on, and keeps the solution. */
import type { Clock } from '@skein/core'

/** Where a solution is kept until its window of time is over. */
export interface PuzzleStore {
  load: () => Promise<Uint8Array<ArrayBuffer> | undefined>
  save: (solution: Uint8Array<ArrayBuffer>) => Promise<void>
}

export interface PuzzleProgress {
  /** Doublings of the work that the seed asks for */
  bits: number
  /** Puzzles tried so far */
  tries: number
  /** … and how many it takes on average */
  expectedTries: number
  elapsedMs: number
  solved: boolean
}

export interface PuzzleKeeperInit {
  /** Peer id, as text */
  peer: string
  clock: Clock
  /** Work is given up when it fires */
  signal: AbortSignal
  /** Most doublings of the work that are done for a seed @default no work is done */
  maxPuzzleBits?: number
  /** @default as long as the process */
  store?: PuzzleStore
  onProgress: (progress: PuzzleProgress) => void
  /** Told when the solution could not be kept or read */
  onStoreFailure: (error: Error) => void
}

/** Steps take some 5 ms each, a few of them 40; after so long others have a turn, ms. */
const SLICE_MS = 10
const PROGRESS_INTERVAL_MS = 250

export class PuzzleKeeper {
  private readonly init: PuzzleKeeperInit
  private kept?: { bytes: Uint8Array<ArrayBuffer>, bits: number, isCurrent: () => boolean }
  private solving?: { bits: number, done: Promise<void> }

  constructor (init: PuzzleKeeperInit) {
    this.init = init
  }

  maySolve (bits: number): boolean {
    return this.init.maxPuzzleBits !== undefined && bits <= this.init.maxPuzzleBits
  }

  /** Whether there is a solution of today with so much work in it. */
  has (bits: number): boolean {
    return this.kept !== undefined && this.kept.bits >= bits && this.kept.isCurrent()
  }

  /** The solution that there is. One whose window has passed holds for another; meanwhile the next is worked on. */
  solution (): Uint8Array<ArrayBuffer> | undefined {
    if (this.kept?.isCurrent() === false) {
      this.solve(this.kept.bits).catch(() => {})
    }
    return this.kept?.bytes
  }

  /** Resolves when there is a solution with so much work in it, for now. @throws when it is given up */
  async solve (bits: number): Promise<void> {
    while (this.solving !== undefined) {
      await this.solving.done
    }
    if (!this.has(bits)) {
      const done = this.find(bits)
      this.solving = { bits, done }
      await done.finally(() => { this.solving = undefined })
    }
  }

  private async find (bits: number): Promise<void> {
    const { peer, clock, store, onStoreFailure } = this.init
    // not a part of what every peer loads
    const { checkPuzzle, puzzleWindow, solvePuzzle } = await import('@skein/records/puzzle')
    const nowMs = clock.nowMs()
    const window = puzzleWindow(peer, nowMs)
    const keep = (bytes: Uint8Array<ArrayBuffer>): void => {
      this.kept = { bytes, bits, isCurrent: () => puzzleWindow(peer, clock.nowMs()) === window }
    }
    const earlier = await store?.load().catch(error => { onStoreFailure(error as Error) })
    try {
      // the window comes first in a solution
      if (earlier !== undefined && checkPuzzle(peer, earlier, bits, nowMs) > 0 && new DataView(earlier.buffer).getUint32(0) === window) {
        keep(earlier)
        return
      }
    } catch {
      // of another peer, too little, or over
    }
    const bytes = await this.run(solvePuzzle(peer, window, bits), bits)
    keep(bytes)
    await store?.save(bytes).catch(error => { onStoreFailure(error as Error) })
  }

  private async run (steps: Iterator<number, Uint8Array<ArrayBuffer>>, bits: number): Promise<Uint8Array<ArrayBuffer>> {
    const { clock, signal, onProgress } = this.init
    const startMs = clock.nowMs()
    const expectedTries = 1 / (1 - Math.exp(-2 / 2 ** bits))
    const progress = (tries: number, solved: boolean): void => {
      onProgress({ bits, tries, expectedTries, elapsedMs: clock.nowMs() - startMs, solved })
    }
    let toldMs = startMs
    let sliceMs = startMs
    let tries = 0
    for (;;) {
      const step = steps.next()
      if (step.done === true) {
        progress(tries + 1, true)
        return step.value
      }
      tries = step.value
      const nowMs = clock.nowMs()
      if (nowMs - toldMs >= PROGRESS_INTERVAL_MS) {
        toldMs = nowMs
        progress(tries, false)
      }
      if (nowMs - sliceMs >= SLICE_MS) {
        await new Promise<void>(resolve => { clock.schedule(nowMs, resolve) })
        signal.throwIfAborted()
        sliceMs = clock.nowMs()
      }
    }
  }
}
