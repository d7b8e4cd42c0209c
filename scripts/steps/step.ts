/** What a step of `npm test` is, and what it comes to. */
export interface StepResult {
  passed: number
  failed: number
  /** Tests that were left out */
  pending?: number
}

export interface Step {
  name: string
  /** One line for the heading and for `--help` */
  what: string
  run: () => StepResult | Promise<StepResult>
}
