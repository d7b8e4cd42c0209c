/** The least or greatest of measurements of the last while, kept as its two halves: what is forgotten is between half of it and all of it old. */

export class RecentExtreme {
  private readonly pick: (a: number, b: number) => number
  private readonly halfMs: number
  private now: number | undefined
  private before: number | undefined
  private sinceMs = -Infinity

  /** @param pick - `Math.min` or `Math.max` */
  constructor (pick: (a: number, b: number) => number, lifeMs: number) {
    this.pick = pick
    this.halfMs = lifeMs / 2
  }

  get value (): number | undefined {
    return this.now === undefined || this.before === undefined ? this.now : this.pick(this.now, this.before)
  }

  add (value: number, nowMs: number): void {
    if (nowMs - this.sinceMs >= this.halfMs) {
      this.before = this.now
      this.now = undefined
      this.sinceMs = nowMs
    }
    this.now = this.now === undefined ? value : this.pick(this.now, value)
  }
}
