/** The laboratory cannot be set up on this machine. */

export type NatLabProblem = 'platform' | 'not_root' | 'missing_program' | 'forbidden'

export class NatLabUnavailableError extends Error {
  static override name = 'NatLabUnavailableError'
  override readonly name = 'NatLabUnavailableError'
  readonly problem: NatLabProblem

  constructor (problem: NatLabProblem, message: string, options?: ErrorOptions) {
    super(message, options)
    this.problem = problem
  }
}
