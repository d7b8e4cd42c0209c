/** A super-node's lease: "I hold a seat of this region, carry this for others, until then", signed by the peer that holds it. */
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { checkLife, openEnvelope, sealEnvelope } from './envelope.ts'
import { checkCount, checkName, checkNumber, MAX_ADDRESSES } from './field-bounds.ts'
import { SuperNodeLeaseRecord } from './pb/lease.ts'
import { RecordError } from './record-error.ts'
import type { RecordKind } from './envelope.ts'
import type { PrivateKey } from '@libp2p/interface'

/** The longest life of a lease; it is renewed at half of it. */
export const MAX_LEASE_LIFE_MS = 600_000

/** Most bytes of an envelope with a lease: four networks and eight addresses need some 700. */
export const MAX_LEASE_BYTES = 2048

/** Networks that a lease may name: as many as an election counts. */
export const MAX_LEASE_NETWORKS = 4

const MAX_LEASE_ADDRESSES = Math.min(8, MAX_ADDRESSES)
const MAX_ROLES = 16

/** What a super-node does: discovery hub, relay reservations, STUN, ingest of bonded streams. */
export const SUPER_NODE_ROLES = ['hub', 'relay', 'stun', 'ingest'] as const
export type SuperNodeRole = typeof SUPER_NODE_ROLES[number]

export const LEASE_KIND: RecordKind = { domain: '/skein/supernode-lease/1', maxLifeMs: MAX_LEASE_LIFE_MS }

/** A public network in which a peer was reached. */
export interface VerifiedNetwork {
  /** `192.0.2.0/24` or `2001:db8:1::/48` */
  small: string
  /** `192.0.0.0/16` or `2001:db8::/32` */
  wide: string
  /** Number of the autonomous system; left out when it is not known */
  system?: number
}

/** What is left of what the volunteer gives; left out, a field is not limited. */
export interface LeaseQuota {
  bytesToday?: number
  bytesThisMonth?: number
  bytesPerSecond?: number
  reservations?: number
  circuits?: number
}

export interface SuperNodeLease {
  /** The super-node, as text */
  peer: string
  /** Short region name, `eu-west` */
  region: string
  /** The ten-minute term since the Unix epoch in which the seat was taken; the same in each renewal */
  term: number
  /** Grows with every lease that this peer signs: who acts by a lower one acts by a lease that is over */
  fence: number
  /** At least one; roles that this version does not know are left out */
  roles: SuperNodeRole[]
  /** Where it can be dialled, multiaddr texts without the peer's id, best first; at most 8 */
  addresses: string[]
  /** The networks in which it was elected, at most 4 */
  networks: VerifiedNetwork[]
  quota: LeaseQuota
  issuedAtMs: number
  expiresAtMs: number
  /** It gives the seat back: clients move */
  withdrawn: boolean
}

/** A lease and the envelope it came in; forward the envelope, so that fields this version does not know survive. */
export interface SignedSuperNodeLease {
  lease: SuperNodeLease
  envelope: Uint8Array
}

/** @throws {RecordError} `malformed`, `oversize`, or `wrong_signer` when the key is not that of `lease.peer` */
export async function signSuperNodeLease (lease: SuperNodeLease, privateKey: PrivateKey): Promise<SignedSuperNodeLease> {
  checkLease(lease)
  const { peer, addresses, networks, issuedAtMs, expiresAtMs, ...rest } = lease
  if (peer !== peerIdFromPrivateKey(privateKey).toString()) {
    throw new RecordError('wrong_signer', 'Only a super-node itself can sign its lease')
  }
  const payload = SuperNodeLeaseRecord.encode({
    ...rest,
    issuedAtMs: Math.floor(issuedAtMs),
    lifeMs: Math.floor(expiresAtMs) - Math.floor(issuedAtMs),
    addresses: addresses.map(address => Uint8Array.from(multiaddr(address).bytes)),
    networks: networks.map(({ small, wide, system = 0 }) => ({ small, wide, system }))
  })
  const envelope = await sealEnvelope(LEASE_KIND, payload, privateKey)
  checkSize(envelope)
  return { lease, envelope }
}

/**
 * Opens an envelope with a lease in it: size, type, signature, bounds of every field, life. Whether it is newer than one that was seen is for a
 * `LeaseBook` of `@skein/supernode`.
 *
 * @throws {RecordError} with the reason
 */
export async function openSuperNodeLease (envelope: Uint8Array, nowMs: number): Promise<SignedSuperNodeLease> {
  checkSize(envelope)
  const { peer, payload } = await openEnvelope(LEASE_KIND, envelope)
  const lease = decodeLease(payload, peer)
  checkLease(lease)
  checkLife(LEASE_KIND, lease, nowMs)
  return { lease, envelope }
}

function decodeLease (payload: Uint8Array, peer: string): SuperNodeLease {
  try {
    const { lifeMs, quota, networks, addresses, roles, ...rest } = SuperNodeLeaseRecord.decode(payload, {
      limits: { roles: MAX_ROLES, addresses: MAX_LEASE_ADDRESSES, networks: MAX_LEASE_NETWORKS }
    })
    return {
      ...rest,
      peer,
      roles: SUPER_NODE_ROLES.filter(role => roles.includes(role)),
      addresses: addresses.map(bytes => multiaddr(bytes).toString()),
      networks: networks.map(({ small, wide, system }) => ({ small, wide, ...system === 0 ? {} : { system } })),
      quota: quota ?? {},
      expiresAtMs: rest.issuedAtMs + lifeMs
    }
  } catch (error) {
    throw new RecordError('malformed', 'Not a lease of a super-node', { cause: error })
  }
}

function checkLease (lease: SuperNodeLease): void {
  checkName('region', lease.region, { maxBytes: 32 })
  checkNumber('term', lease.term, 0, 2 ** 40)
  checkNumber('fence', lease.fence, 1, Number.MAX_SAFE_INTEGER)
  checkCount('addresses', lease.addresses, MAX_LEASE_ADDRESSES)
  checkNetworks(lease.networks)
  checkCount('roles', lease.roles, MAX_ROLES)
  checkNumber('the number of roles', lease.roles.length, 1, MAX_ROLES)
  const { bytesToday, bytesThisMonth, bytesPerSecond, reservations, circuits } = lease.quota
  for (const [field, value] of Object.entries({ bytesToday, bytesThisMonth, bytesPerSecond })) {
    checkNumber(`quota.${field}`, value ?? 0, 0, Number.MAX_SAFE_INTEGER)
  }
  for (const [field, value] of Object.entries({ reservations, circuits })) {
    checkNumber(`quota.${field}`, value ?? 0, 0, 0xffffffff)
  }
  checkNumber('issuedAtMs', lease.issuedAtMs, 0, Number.MAX_SAFE_INTEGER, false)
  checkNumber('the life', lease.expiresAtMs - lease.issuedAtMs, 1, 0xffffffff, false)
}

/** @throws {RecordError} `malformed` */
export function checkNetworks (networks: VerifiedNetwork[]): void {
  checkCount('networks', networks, MAX_LEASE_NETWORKS)
  for (const { small, wide, system } of networks) {
    checkName('network', small, { maxBytes: 64 })
    checkName('network', wide, { maxBytes: 64 })
    checkNumber('system', system ?? 1, 1, 0xffffffff)
  }
}

function checkSize (envelope: Uint8Array): void {
  if (envelope.length > MAX_LEASE_BYTES) {
    throw new RecordError('oversize', `A lease of ${envelope.length} bytes; at most ${MAX_LEASE_BYTES} are allowed. Tell fewer addresses`)
  }
}
