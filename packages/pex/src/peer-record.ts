/**
 * What peers tell of each other: where a peer can be dialled, signed by it. A capabilities record would do, but it lives 5 minutes, while an entry
 * of a view gets hours old, and it is larger: 50 of those do not fit into 16 KiB, 50 of these do.
 */
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { checkLife, openEnvelope, RecordError, sealEnvelope, toldAddresses } from '@skein/records'
import { PeerRecordPayload } from './pb/exchange.ts'
import type { RecordKind } from '@skein/records'
import type { PrivateKey } from '@libp2p/interface'

/**
 * The longest life of a peer record. In a network that is alive an entry leaves a view of 100 within half an hour or so; two hours outlast a
 * partition, or the sleep of a laptop.
 */
export const MAX_PEER_RECORD_LIFE_MS = 2 * 3_600_000

/** Most bytes of an envelope with a peer record: four addresses through relays need some 340. */
export const MAX_PEER_RECORD_BYTES = 512

/** Addresses of a record. */
export const MAX_PEER_ADDRESSES = 4

export const PEER_RECORD_KIND: RecordKind = { domain: '/skein/peer/1', maxLifeMs: MAX_PEER_RECORD_LIFE_MS }

export interface PeerRecord {
  /** The signer, as text */
  peer: string
  /** Also tells which of two records is newer */
  issuedAtMs: number
  expiresAtMs: number
  /** Multiaddr texts without the peer's id, best first */
  addresses: string[]
  /** As it was signed; passed on as it is */
  envelope: Uint8Array
}

/**
 * Signs where this peer can be dialled; of more than four addresses the ones that `toldAddresses` chooses.
 *
 * @throws {RecordError} `oversize` when the addresses are too long
 */
export async function signPeerRecord (
  { addresses, issuedAtMs, expiresAtMs }: Omit<PeerRecord, 'peer' | 'envelope'>, privateKey: PrivateKey
): Promise<PeerRecord> {
  const told = toldAddresses(addresses, MAX_PEER_ADDRESSES)
  const issued = Math.floor(issuedAtMs)
  const lifeMs = Math.min(Math.floor(expiresAtMs - issued), MAX_PEER_RECORD_LIFE_MS)
  const payload = PeerRecordPayload.encode({ issuedAtMs: issued, lifeMs, addresses: told.map(text => Uint8Array.from(multiaddr(text).bytes)) })
  const envelope = await sealEnvelope(PEER_RECORD_KIND, payload, privateKey)
  checkSize(envelope)
  return { peer: peerIdFromPrivateKey(privateKey).toString(), issuedAtMs: issued, expiresAtMs: issued + lifeMs, addresses: told, envelope }
}

/** Checks size, signature, bounds and life. @throws {RecordError} with the reason */
export async function openPeerRecord (envelope: Uint8Array, nowMs: number): Promise<PeerRecord> {
  checkSize(envelope)
  const { peer, payload } = await openEnvelope(PEER_RECORD_KIND, envelope)
  const record = { peer, ...decode(payload), envelope }
  checkLife(PEER_RECORD_KIND, record, nowMs)
  return record
}

function decode (payload: Uint8Array): Pick<PeerRecord, 'issuedAtMs' | 'expiresAtMs' | 'addresses'> {
  try {
    const { issuedAtMs, lifeMs, addresses } = PeerRecordPayload.decode(payload, { limits: { addresses: MAX_PEER_ADDRESSES } })
    return { issuedAtMs, expiresAtMs: issuedAtMs + lifeMs, addresses: addresses.map(bytes => multiaddr(bytes).toString()) }
  } catch (error) {
    throw new RecordError('malformed', 'Not a peer record', { cause: error })
  }
}

function checkSize (envelope: Uint8Array): void {
  if (envelope.length > MAX_PEER_RECORD_BYTES) {
    throw new RecordError('oversize', `A peer record of ${envelope.length} bytes; at most ${MAX_PEER_RECORD_BYTES} are allowed. Tell fewer addresses`)
  }
}
