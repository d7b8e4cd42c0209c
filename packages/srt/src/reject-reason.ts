/** Why a connection is refused: libsrt's codes and those of its access control guidelines, by name (draft-sharabayko-srt-01, §4.3, table 7). */

/** What goes on the wire is 1000 more. */
export const REJECT_CODES = {
  unknown: 0,
  system: 1,
  peer: 2,
  resource: 3,
  rogue: 4,
  backlog: 5,
  internal: 6,
  closing: 7,
  version: 8,
  cookie: 9,
  'bad-secret': 10,
  unsecure: 11,
  'message-api': 12,
  congestion: 13,
  filter: 14,
  group: 15,
  timeout: 16,
  crypto: 17,
  'bad-request': 1400,
  unauthorized: 1401,
  overload: 1402,
  forbidden: 1403,
  'not-found': 1404,
  'bad-mode': 1405,
  unacceptable: 1406,
  conflict: 1409,
  'media-unsupported': 1415,
  locked: 1423,
  'failed-dependency': 1424,
  'server-error': 1500,
  unimplemented: 1501,
  'bad-gateway': 1502,
  down: 1503,
  'version-unsupported': 1505,
  'no-room': 1507
} as const

/** A reason by name, or a number of the application's own, 2000 to 2^31 − 1001. */
export type RejectReason = keyof typeof REJECT_CODES | number

const WIRE_OFFSET = 1000
const NAMES = new Map<number, keyof typeof REJECT_CODES>(
  Object.entries(REJECT_CODES).map(([name, code]) => [code, name as keyof typeof REJECT_CODES])
)

const SENTENCES: Partial<Record<keyof typeof REJECT_CODES, string>> = {
  'bad-secret': 'the passphrases differ',
  unsecure: 'one side has a passphrase, the other has none',
  'message-api': 'one side is in stream mode, the other in message mode',
  congestion: 'the sides want different congestion control, live and file',
  version: 'the versions of SRT do not fit',
  timeout: 'the handshake took too long',
  rogue: 'the handshake is malformed'
}

export function rejectCode (reason: RejectReason): number {
  return typeof reason === 'number' ? reason : REJECT_CODES[reason]
}

export function rejectReason (code: number): RejectReason {
  return NAMES.get(code) ?? code
}

/** The type field of a handshake that refuses. */
export function rejectHandshakeType (reason: RejectReason): number {
  return WIRE_OFFSET + rejectCode(reason)
}

/** What a handshake's type field says; `undefined` when it does not refuse. */
export function rejectReasonOf (handshakeType: number): RejectReason | undefined {
  return handshakeType >= WIRE_OFFSET && handshakeType <= 0x7fffffff ? rejectReason(handshakeType - WIRE_OFFSET) : undefined
}

/** The other side, or this one for what the other asked, refused the connection. */
export class SrtRejectedError extends Error {
  static override name = 'SrtRejectedError'
  override readonly name = 'SrtRejectedError'
  readonly reason: RejectReason
  readonly code: number
  /** Who refused */
  readonly by: 'peer' | 'self'

  constructor (reason: RejectReason, by: 'peer' | 'self' = 'peer') {
    const why = typeof reason === 'number' ? `reason ${reason} of the application` : SENTENCES[reason] ?? reason
    super(`The SRT connection was refused${by === 'self' ? ' by this side' : ''}: ${why}`)
    this.reason = reason
    this.code = rejectCode(reason)
    this.by = by
  }
}
