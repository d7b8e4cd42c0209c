/** Why a reputation store cannot do what it was asked. */

/**
 * - `in_use`: another process has the folder open
 * - `unusable`: there can be no store there, or it cannot be written for another reason than space
 * - `full`: the disk is full; what was saved before is there, the change that failed is not
 */
export type ReputationStoreProblem = 'in_use' | 'unusable' | 'full'

export class ReputationStoreError extends Error {
  static override name = 'ReputationStoreError'
  override readonly name = 'ReputationStoreError'
  readonly problem: ReputationStoreProblem
  readonly path: string

  constructor (problem: ReputationStoreProblem, path: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.problem = problem
    this.path = path
  }
}
