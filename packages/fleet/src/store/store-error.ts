/** What can go wrong with the store that a caller can act on. */

/** Somebody else has taken over: what this caller was doing must end. */
export class StaleFenceError extends Error {
  static override name = 'StaleFenceError'
  override readonly name = 'StaleFenceError'
  readonly sessionId: string
  readonly fence: number

  constructor (sessionId: string, fence: number, options?: ErrorOptions) {
    super(`Session ${sessionId} is no longer worked on under fence ${fence}: another process has taken it over, or it has ended`, options)
    this.sessionId = sessionId
    this.fence = fence
  }
}

/** The embedded store is not to be had on this Node, nor in a thread of it with the flag. */
export class SqliteMissingError extends Error {
  static override name = 'SqliteMissingError'
  override readonly name = 'SqliteMissingError'

  constructor (options?: ErrorOptions) {
    super('This Node has no node:sqlite: use Node 22.12 or newer that was built with it, or give the fleet a PostgreSQL URL', options)
  }
}

/** The tables were made by a newer program. */
export class StoreVersionError extends Error {
  static override name = 'StoreVersionError'
  override readonly name = 'StoreVersionError'
  readonly found: number
  readonly known: number

  constructor (found: number, known: number) {
    super(`The tables are at version ${found}, this program knows ${known}: run the newer program, or restore a copy made before it`)
    this.found = found
    this.known = known
  }
}
