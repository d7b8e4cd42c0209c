/** A session's lease: "I carry this stream of that peer, there, until then", signed by a super-node (docs/specs/super-nodes.md, section 9). */
import { checkLife, openEnvelope, sealEnvelope } from './envelope.ts'
import { checkName, checkNumber } from './field-bounds.ts'
import { SessionLeaseRecord } from './pb/session-lease.ts'
import { peerIdBytesOf, peerNameOf } from './peer-name.ts'
import { RecordError } from './record-error.ts'
import type { RecordKind } from './envelope.ts'
import type { PrivateKey } from '@libp2p/interface'

/** The longest life of a session's lease; it is renewed every 30 s. */
export const MAX_SESSION_LEASE_LIFE_MS = 300_000
/** Most bytes of an envelope with a session's lease: two names of DNS and what is around them. */
export const MAX_SESSION_LEASE_BYTES = 1024
/** Most bytes of the id of a session. */
export const MAX_SESSION_ID_BYTES = 32
const MAX_HOST_BYTES = 253

export const SESSION_LEASE_KIND: RecordKind = { domain: '/skein/session-lease/1', maxLifeMs: MAX_SESSION_LEASE_LIFE_MS }

/** Where a stream is sent to, and played from. */
export interface StreamPlace {
  /** Short region name, `eu-west` */
  region: string
  /** An address, or a name that has one */
  ingestHost: string
  ingestPort: number
  playHost: string
  playPort: number
}

export interface SessionLease {
  /** The super-node that carries the stream, as text */
  holder: string
  /** Chosen by the owner; those of different owners have nothing to do with each other */
  session: string
  /** Whose session it is, a peer id as text */
  owner: string
  /** Grows with every place that the owner takes for this session: what comes with a smaller one is over */
  fence: number
  /** The numbers of the lease by which the super-node holds its seat */
  seat: { term: number, fence: number }
  place: StreamPlace
  issuedAtMs: number
  expiresAtMs: number
}

export interface SignedSessionLease {
  lease: SessionLease
  envelope: Uint8Array<ArrayBuffer>
}

/** @throws {RecordError} `malformed` or `oversize` */
export async function signSessionLease (lease: SessionLease, privateKey: PrivateKey): Promise<SignedSessionLease> {
  checkLease(lease)
  const { session, owner, fence, seat, place, issuedAtMs, expiresAtMs } = lease
  const envelope = await sealEnvelope(SESSION_LEASE_KIND, SessionLeaseRecord.encode({
    ...place,
    session,
    owner: peerIdBytesOf(owner),
    fence,
    seatTerm: seat.term,
    seatFence: seat.fence,
    issuedAtMs: Math.floor(issuedAtMs),
    lifeMs: Math.floor(expiresAtMs) - Math.floor(issuedAtMs)
  }), privateKey)
  checkSize(envelope)
  return { lease, envelope }
}

/**
 * Opens what the holder itself has just answered. Its times are those of its clock: the client counts the life from when it asked, so that two clocks
 * that differ do no harm.
 *
 * @throws {RecordError} with the reason
 */
export async function openSessionLease (envelope: Uint8Array): Promise<SignedSessionLease> {
  checkSize(envelope)
  const { peer, payload } = await openEnvelope(SESSION_LEASE_KIND, envelope)
  const lease = decodeLease(payload, peer)
  checkLease(lease)
  // its own time stands for the clock: what is checked is that it does not live longer than may be
  checkLife(SESSION_LEASE_KIND, lease, lease.issuedAtMs)
  return { lease, envelope: Uint8Array.from(envelope) }
}

function decodeLease (payload: Uint8Array, holder: string): SessionLease {
  try {
    const { session, owner, fence, seatTerm, seatFence, issuedAtMs, lifeMs, ...place } = SessionLeaseRecord.decode(payload)
    return {
      holder, session, fence, place, issuedAtMs, expiresAtMs: issuedAtMs + lifeMs,
      owner: peerNameOf(owner),
      seat: { term: seatTerm, fence: seatFence }
    }
  } catch (error) {
    throw new RecordError('malformed', 'Not a lease of a session', { cause: error })
  }
}

function checkLease ({ session, fence, seat, place, issuedAtMs, expiresAtMs }: SessionLease): void {
  checkName('session', session, { maxBytes: MAX_SESSION_ID_BYTES })
  checkNumber('fence', fence, 1, Number.MAX_SAFE_INTEGER)
  checkNumber('seat.term', seat.term, 0, 2 ** 40)
  checkNumber('seat.fence', seat.fence, 1, Number.MAX_SAFE_INTEGER)
  checkPlace(place)
  checkNumber('issuedAtMs', issuedAtMs, 0, Number.MAX_SAFE_INTEGER, false)
  checkNumber('the life', expiresAtMs - issuedAtMs, 1, 0xffffffff, false)
}

/** What is printed, dialled and published must be an address or a name, and nothing that somebody made up. */
const HOST = /^(?:[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*)$/i

/** @throws {RecordError} `malformed` */
export function checkPlace ({ region, ingestHost, ingestPort, playHost, playPort }: StreamPlace): void {
  checkName('region', region, { maxBytes: 32 })
  for (const [field, host] of Object.entries({ ingestHost, playHost })) {
    checkName(field, host, { maxBytes: MAX_HOST_BYTES })
    if (!HOST.test(host)) {
      throw new RecordError('malformed', `${field} is neither an address nor a name of DNS`)
    }
  }
  checkNumber('ingestPort', ingestPort, 1, 65_535)
  checkNumber('playPort', playPort, 1, 65_535)
}

function checkSize (envelope: Uint8Array): void {
  if (envelope.length > MAX_SESSION_LEASE_BYTES) {
    throw new RecordError('oversize', `A session's lease of ${envelope.length} bytes; at most ${MAX_SESSION_LEASE_BYTES} are allowed`)
  }
}
