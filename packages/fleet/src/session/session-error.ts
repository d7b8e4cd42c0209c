/** What a session may be refused for. */

export class SessionLimitError extends Error {
  static override name = 'SessionLimitError'
  override readonly name = 'SessionLimitError'
  readonly maxActive: number

  constructor (maxActive: number) {
    super(`The plan allows ${maxActive} sessions at once: stop one, or have the plan changed`)
    this.maxActive = maxActive
  }
}

/** There is no such session, or it is another user's. */
export class UnknownSessionError extends Error {
  static override name = 'UnknownSessionError'
  override readonly name = 'UnknownSessionError'
  readonly sessionId: string

  constructor (sessionId: string) {
    super(`There is no session ${sessionId}: start one`)
    this.sessionId = sessionId
  }
}

/** The session is over: stopped, failed, or its lease ran out. */
export class SessionOverError extends Error {
  static override name = 'SessionOverError'
  override readonly name = 'SessionOverError'
  readonly sessionId: string

  constructor (sessionId: string) {
    super(`Session ${sessionId} is over: start another`)
    this.sessionId = sessionId
  }
}

/** Every name that was drawn for a slot was taken. */
export class NameExhaustedError extends Error {
  static override name = 'NameExhaustedError'
  override readonly name = 'NameExhaustedError'

  constructor (tries: number) {
    super(`${tries} random names were all taken, which does not happen by chance: is the source of randomness broken?`)
  }
}

/** There is no provider of that name in this fleet. */
export class UnknownProviderError extends Error {
  static override name = 'UnknownProviderError'
  override readonly name = 'UnknownProviderError'
  readonly provider: string

  constructor (provider: string) {
    super(`This fleet has no provider ${provider}`)
    this.provider = provider
  }
}

/** So many things happen to one session at once that none gets through. */
export class ContendedSessionError extends Error {
  static override name = 'ContendedSessionError'
  override readonly name = 'ContendedSessionError'

  constructor (sessionId: string) {
    super(`Session ${sessionId} changes faster than it can be read: try again`)
  }
}
