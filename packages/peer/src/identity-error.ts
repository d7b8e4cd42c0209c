/** Why an identity file was refused. */

export type IdentityFileProblem = 'readable_by_others' | 'corrupt' | 'unreadable'

export class IdentityFileError extends Error {
  static override name = 'IdentityFileError'
  override readonly name = 'IdentityFileError'
  readonly problem: IdentityFileProblem
  readonly path: string

  constructor (problem: IdentityFileProblem, path: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.problem = problem
    this.path = path
  }
}
