/** A piece of memory that a thread shares with the one that started it: how far its run is, and whether it should stop. */

export class ProgressCell {
  readonly memory: SharedArrayBuffer
  private readonly share: Float64Array
  private readonly flag: Int32Array

  constructor (memory: SharedArrayBuffer = new SharedArrayBuffer(16)) {
    this.memory = memory
    this.share = new Float64Array(memory, 0, 1)
    this.flag = new Int32Array(memory, 8, 1)
  }

  report (done: number, total: number): void {
    this.share[0] = total > 0 ? Math.min(1, Math.max(0, done / total)) : 0
  }

  /** 0 to 1. */
  get progress (): number {
    return this.share[0]!
  }

  stop (): void {
    Atomics.store(this.flag, 0, 1)
  }

  get stopped (): boolean {
    return Atomics.load(this.flag, 0) === 1
  }
}
