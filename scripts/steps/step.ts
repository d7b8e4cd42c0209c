/** What a step of `npm test` is, and what it comes to. */
export interface StepResult {
  passed: number
  failed: number
  /** Tests that were left out */
  pending?: number
  /** What failed, and what passed at a second attempt only: told once more at the end of the run, where all of a long log may not be at hand */
  remarks?: string[]
}

export interface Step {
  name: string
  /** One line for the heading and for `--help` */
  what: string
  run: () => StepResult | Promise<StepResult>
}
