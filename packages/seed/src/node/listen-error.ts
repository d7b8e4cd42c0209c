/** A port of the seed could not be opened; the message says what to do about it. */
export class SeedListenError extends Error {
  static override name = 'SeedListenError'
  override readonly name = 'SeedListenError'
  /** The system's code: `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`, … */
  readonly code: string
  /** `127.0.0.1:8080`, or a multiaddr */
  readonly where: string

  constructor (code: string, where: string, option: string, options: ErrorOptions = {}) {
    super(`The seed cannot listen on ${where} (${option}): ${advice(code, option)}`, options)
    this.code = code
    this.where = where
  }
}

function advice (code: string, option: string): string {
  switch (code) {
    case 'EADDRINUSE': return `the port is in use. Stop the program that has it, or choose another port with ${option}`
    case 'EACCES': return 'the system does not permit it. Choose a port of 1024 or above'
    case 'EADDRNOTAVAIL': return 'no interface of this machine has that address. Choose 0.0.0.0 for all interfaces'
    case 'ENOTFOUND': return 'the name does not resolve to an address. Choose 0.0.0.0 for all interfaces'
    default: return `the system says ${code}`
  }
}
