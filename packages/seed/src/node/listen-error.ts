/** A port of the seed, or of a super-node, could not be opened; the message says what to do about it. */
export class SeedListenError extends Error {
  static override name = 'SeedListenError'
  override readonly name = 'SeedListenError'
  /** The system's code: `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`, … */
  readonly code: string
  /** `127.0.0.1:8080`, or a multiaddr */
  readonly where: string

  constructor (code: string, where: string, option: string, options: ErrorOptions = {}) {
    super(`This node cannot listen on ${where} (${option}): ${advice(code, option)}`, options)
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

/** What the system said about a port that could not be opened is only in the words of libp2p's error: that error, or one that says what to do. */
export function listenFailure (error: unknown): never {
  const [, address, code] = /^\s*(\/\S+): Error: (?:listen|getaddrinfo) (E[A-Z]+)/m.exec((error as Error).message) ?? []
  if (address != null && code != null) {
    throw new SeedListenError(code, address, '--listen', { cause: error })
  }
  throw error
}
