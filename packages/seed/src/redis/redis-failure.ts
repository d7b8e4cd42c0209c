/** Redis did not answer in time, is not reachable, or answered with an error: what was asked for has to come from elsewhere. */
export class RedisFailure extends Error {
  static override name = 'RedisFailure'
  override readonly name = 'RedisFailure'
  /** What was asked: `register`, `walk`, … */
  readonly operation: string

  constructor (operation: string, cause: unknown) {
    super(`Redis did not answer ${operation}: ${(cause as Error)?.message ?? String(cause)}`, { cause })
    this.operation = operation
  }
}

/** Redis has reached its `maxmemory` and takes no more: raise it, or have fewer registrations. */
export class RedisFullError extends Error {
  static override name = 'RedisFullError'
  override readonly name = 'RedisFullError'

  constructor (cause: unknown) {
    super('Redis has no memory left (maxmemory)', { cause })
  }
}
