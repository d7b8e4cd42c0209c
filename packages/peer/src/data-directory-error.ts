/** Why a data folder cannot be used. */
export type DataDirectoryProblem = 'in_use' | 'unusable'

export class DataDirectoryError extends Error {
  static override name = 'DataDirectoryError'
  override readonly name = 'DataDirectoryError'
  readonly problem: DataDirectoryProblem
  readonly path: string

  constructor (problem: DataDirectoryProblem, path: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.problem = problem
    this.path = path
  }
}
