/** Why a dial failed, in words for a person. */

const CODES: Array<[pattern: RegExp, words: string]> = [
  [/ECONNREFUSED/, 'nothing listens there: connection refused'],
  [/ENETUNREACH|EHOSTUNREACH|EADDRNOTAVAIL/, 'there is no way to that network from here'],
  [/ENOTFOUND|EAI_AGAIN/, 'the name cannot be looked up'],
  [/ECONNRESET|EPIPE/, 'the connection was cut'],
  [/UnexpectedPeer|handshake|InvalidCrypto/i, 'somebody else answers there: the peer id in the address is not theirs'],
  [/timed? ?out|timeout|ETIMEDOUT|abort|DeadlineError/i, 'no answer']
]
const MAX_CHARS = 120

export function dialProblem (error: unknown): string {
  const texts = [error, ...(error as { errors?: unknown[] }).errors ?? [], (error as Error).cause].filter(one => one != null)
    .map(one => `${(one as Error).name}: ${(one as Error).message}`)
  const known = CODES.find(([pattern]) => texts.some(text => pattern.test(text)))
  return known?.[1] ?? ((error as Error).message.split('\n')[0] ?? '').slice(0, MAX_CHARS)
}
