/**
 * A volunteer's candidacy for the seats of a region: "I would carry load for others, here I can be reached", signed by itself
 * (docs/specs/super-nodes.md, section 5).
 */
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { checkLife, openEnvelope, sealEnvelope } from './envelope.ts'
import { checkCount, checkName, checkNumber } from './field-bounds.ts'
import { CandidacyRecord } from './pb/election.ts'
import { RecordError } from './record-error.ts'
import { checkNetworks, MAX_LEASE_NETWORKS, SUPER_NODE_ROLES } from './super-node-lease.ts'
import type { RecordKind } from './envelope.ts'
import type { SuperNodeRole, VerifiedNetwork } from './super-node-lease.ts'
import type { PrivateKey } from '@libp2p/interface'

/** The longest life of a candidacy: one that was missed twice is over. */
export const MAX_CANDIDACY_LIFE_MS = 1_800_000

/** Most bytes of an envelope with a candidacy: eight addresses and four networks need some 600. */
export const MAX_CANDIDACY_BYTES = 1536
export const MAX_CANDIDACY_ADDRESSES = 8

const MAX_ROLES = 16

export const CANDIDACY_KIND: RecordKind = { domain: '/skein/supernode-candidacy/1', maxLifeMs: MAX_CANDIDACY_LIFE_MS }

export interface SuperNodeCandidacy {
  /** The volunteer, as text */
  peer: string
  /** Short region name, `eu-west` */
  region: string
  /** Grows with every candidacy of a peer, also over restarts: the wall clock's milliseconds do */
  seq: number
  /** At least one; roles that this version does not know are left out */
  roles: SuperNodeRole[]
  /** Where it can be dialled, multiaddr texts without the peer's id, best first; at most 8 */
  addresses: string[]
  /** The networks that it believes itself to be in, at most 4: a hint, electors look for themselves */
  networks: VerifiedNetwork[]
  /** What it says it gives, bytes/s */
  claimedBytesPerSecond: number
  issuedAtMs: number
  expiresAtMs: number
  /** It is no candidate any more, until it says so again */
  withdrawn: boolean
}

/** A candidacy and the envelope it came in; forward the envelope. */
export interface SignedSuperNodeCandidacy {
  candidacy: SuperNodeCandidacy
  envelope: Uint8Array<ArrayBuffer>
}

/** @throws {RecordError} `malformed`, `oversize`, or `wrong_signer` when the key is not that of `candidacy.peer` */
export async function signSuperNodeCandidacy (candidacy: SuperNodeCandidacy, privateKey: PrivateKey): Promise<SignedSuperNodeCandidacy> {
  checkCandidacy(candidacy)
  const { peer, addresses, networks, issuedAtMs, expiresAtMs, claimedBytesPerSecond, ...rest } = candidacy
  if (peer !== peerIdFromPrivateKey(privateKey).toString()) {
    throw new RecordError('wrong_signer', 'Only a volunteer itself can sign its candidacy')
  }
  const payload = CandidacyRecord.encode({
    ...rest,
    claimedBytesPerSecond: Math.floor(claimedBytesPerSecond),
    issuedAtMs: Math.floor(issuedAtMs),
    lifeMs: Math.floor(expiresAtMs) - Math.floor(issuedAtMs),
    addresses: addresses.map(address => Uint8Array.from(multiaddr(address).bytes)),
    networks: networks.map(({ small, wide, system = 0 }) => ({ small, wide, system }))
  })
  const envelope = await sealEnvelope(CANDIDACY_KIND, payload, privateKey)
  checkSize(envelope)
  return { candidacy, envelope }
}

/**
 * Opens an envelope with a candidacy in it: size, type, signature, bounds of every field, life. Whether it is newer than one that was seen is for
 * who keeps them.
 *
 * @throws {RecordError} with the reason
 */
export async function openSuperNodeCandidacy (envelope: Uint8Array, nowMs: number): Promise<SignedSuperNodeCandidacy> {
  checkSize(envelope)
  const { peer, payload } = await openEnvelope(CANDIDACY_KIND, envelope)
  const candidacy = decodeCandidacy(payload, peer)
  checkCandidacy(candidacy)
  checkLife(CANDIDACY_KIND, candidacy, nowMs)
  return { candidacy, envelope: Uint8Array.from(envelope) }
}

function decodeCandidacy (payload: Uint8Array, peer: string): SuperNodeCandidacy {
  try {
    const { lifeMs, networks, addresses, roles, ...rest } = CandidacyRecord.decode(payload, {
      limits: { roles: MAX_ROLES, addresses: MAX_CANDIDACY_ADDRESSES, networks: MAX_LEASE_NETWORKS }
    })
    return {
      ...rest,
      peer,
      roles: SUPER_NODE_ROLES.filter(role => roles.includes(role)),
      addresses: addresses.map(bytes => multiaddr(bytes).toString()),
      networks: networks.map(({ small, wide, system }) => ({ small, wide, ...system === 0 ? {} : { system } })),
      expiresAtMs: rest.issuedAtMs + lifeMs
    }
  } catch (error) {
    throw new RecordError('malformed', 'Not a candidacy of a super-node', { cause: error })
  }
}

function checkCandidacy (candidacy: SuperNodeCandidacy): void {
  checkName('region', candidacy.region, { maxBytes: 32 })
  checkNumber('seq', candidacy.seq, 0, Number.MAX_SAFE_INTEGER)
  checkCount('addresses', candidacy.addresses, MAX_CANDIDACY_ADDRESSES)
  checkNetworks(candidacy.networks)
  checkCount('roles', candidacy.roles, MAX_ROLES)
  checkNumber('the number of roles', candidacy.roles.length, 1, MAX_ROLES)
  checkNumber('claimedBytesPerSecond', candidacy.claimedBytesPerSecond, 0, Number.MAX_SAFE_INTEGER, false)
  checkNumber('issuedAtMs', candidacy.issuedAtMs, 0, Number.MAX_SAFE_INTEGER, false)
  checkNumber('the life', candidacy.expiresAtMs - candidacy.issuedAtMs, 1, 0xffffffff, false)
}

function checkSize (envelope: Uint8Array): void {
  if (envelope.length > MAX_CANDIDACY_BYTES) {
    throw new RecordError('oversize', `A candidacy of ${envelope.length} bytes; at most ${MAX_CANDIDACY_BYTES} are allowed. Tell fewer addresses`)
  }
}
