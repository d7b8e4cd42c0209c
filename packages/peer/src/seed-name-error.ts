/** What goes wrong with the names of seeds: an entry that is none, DNS servers that cannot be asked, a name that leads nowhere. */

/** An entry of `bootstrap` is neither a multiaddr nor a name. */
export class SeedAddressError extends Error {
  static override name = 'SeedAddressError'
  override readonly name = 'SeedAddressError'
  /** The entry, as it was given */
  readonly given: string
  readonly expected: string

  constructor (given: string, expected: string, options?: ErrorOptions) {
    super(`"${given.slice(0, 100)}" is no address of a seed: expected ${expected}`, options)
    this.given = given
    this.expected = expected
  }
}

/** `dns.servers` holds something that cannot be asked, or nothing where something is needed. */
export class NameServerError extends Error {
  static override name = 'NameServerError'
  override readonly name = 'NameServerError'
  /** `undefined` when there are none */
  readonly given: string | undefined

  constructor (given: string | undefined, message: string, options?: ErrorOptions) {
    super(message, options)
    this.given = given
  }
}

export type SeedNameProblem =
  /** There is no such name, or it has no such records */
  | 'not_found'
  /** No server answered in time */
  | 'timeout'
  /** A server refused, failed, or sent what is no answer */
  | 'unavailable'
  /** There are records, but none with an address that this peer can dial */
  | 'no_addresses'

/** A name could not be turned into addresses; it is asked again. */
export class SeedNameError extends Error {
  static override name = 'SeedNameError'
  override readonly name = 'SeedNameError'
  readonly problem: SeedNameProblem
  /** What was asked for: `_dnsaddr.seeds.example.org` */
  readonly seedName: string

  constructor (problem: SeedNameProblem, seedName: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.problem = problem
    this.seedName = seedName
  }
}
