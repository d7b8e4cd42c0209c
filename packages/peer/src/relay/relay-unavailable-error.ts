/** No relay gave a reservation in time. */
export class RelayUnavailableError extends Error {
  static override name = 'RelayUnavailableError'
  override readonly name = 'RelayUnavailableError'
  /** Relays that were asked, and what came of it last */
  readonly tried: Record<string, string>

  constructor (tried: Record<string, string>, options: ErrorOptions = {}) {
    const relays = Object.entries(tried).map(([relay, problem]) => `${relay}: ${problem}`)
    super(relays.length === 0
      ? 'No relay is known: the connected seeds neither relay nor know of a relay with room'
      : `No relay gave a reservation (${relays.join('; ')})`, options)
    this.tried = tried
  }
}
