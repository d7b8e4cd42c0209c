/** A port of the relay could not be opened; the message says what to do about it. */
export class MediaListenError extends Error {
  static override name = 'MediaListenError'
  override readonly name = 'MediaListenError'
  /** The system's code: `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`, … */
  readonly code: string
  readonly host: string
  readonly port: number

  constructor (code: string, host: string, port: number, purpose: string, options: ErrorOptions = {}) {
    super(`The media relay cannot listen on ${host} port ${port} for ${purpose}: ${ADVICE[code] ?? `the system says ${code}`}`, options)
    this.code = code
    this.host = host
    this.port = port
  }
}

const ADVICE: Record<string, string | undefined> = {
  EADDRINUSE: 'the port is in use. Stop the program that has it, or choose another port (0 takes any free one)',
  EACCES: 'the system does not permit it. Choose a port of 1024 or above',
  EADDRNOTAVAIL: 'no interface of this machine has that address. Choose 127.0.0.1, or 0.0.0.0 for all interfaces',
  ENOTFOUND: 'the name does not resolve to an address. Choose 127.0.0.1, or 0.0.0.0 for all interfaces'
}
