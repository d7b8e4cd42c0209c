/** Names in the mesh: how one is written, and the signed offer that says where it points (docs/specs/names.md). */
import { checkPlace, RecordError } from '@skein/records'
import type { Offer } from '@skein/records'

/** A name; with an owner, that of this peer alone. */
export interface MeshName {
  /** 1 to 32 of a to z, 0 to 9 and hyphens */
  name: string
  /** Peer id as text */
  owner?: string
}

/** Where a name points, as its owner says. */
export interface NameRecord {
  name: string
  owner: string
  /** An address, or a name of DNS */
  host: string
  /** Of two records of one owner that with the higher one counts */
  seq: number
  expiresAtMs: number
}

/** It cannot be a name of the mesh. */
export class NameSyntaxError extends Error {
  static override name = 'NameSyntaxError'
  override readonly name = 'NameSyntaxError'
  readonly text: string

  constructor (text: string) {
    super(`${JSON.stringify(text.slice(0, 100))} is no name of the mesh: write k7mx2p9a, or k7mx2p9a.PEER with the peer id of its owner`)
    this.text = text
  }
}

const PREFIX = '/skein/name/1/'
const TEXT = /^([a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?)(?:\.([1-9A-HJ-NP-Za-km-z]{40,64}))?$/

/** @throws {NameSyntaxError} */
export function parseMeshName (text: string): MeshName {
  const [, name, owner] = TEXT.exec(text) ?? []
  if (name === undefined) {
    throw new NameSyntaxError(text)
  }
  return { name, ...owner === undefined ? {} : { owner } }
}

/** Under what the record is stored, as if it were a model. @throws {NameSyntaxError} */
export function nameModel (name: string): string {
  if (parseMeshName(name).owner !== undefined) {
    throw new NameSyntaxError(name)
  }
  return PREFIX + name
}

/** What the offer says in place of addresses to dial. @throws {RecordError} when it is no host */
export function hostAddress (host: string): string {
  checkHost(host)
  if (/^[\d.]+$/.test(host)) {
    if (host.split('.').length !== 4 || host.split('.').some(part => part === '' || Number(part) > 255)) {
      throw new RecordError('malformed', `${host} is no IPv4 address`)
    }
    return `/ip4/${host}`
  }
  return host.includes(':') ? `/ip6/${host}` : `/dns/${host}`
}

/** What an offer says of a name; `undefined` when it does not say one host, or is none of that name. */
export function recordOf (name: string, { model, peer, addresses, seq, expiresAtMs, withdrawn }: Offer): NameRecord | undefined {
  const [, host] = /^\/(?:ip4|ip6|dns)\/([^/]+)$/.exec(addresses[0] ?? '') ?? []
  if (model !== PREFIX + name || withdrawn || addresses.length !== 1 || host === undefined) {
    return undefined
  }
  try {
    checkHost(host)
  } catch {
    return undefined
  }
  return { name, owner: peer, host, seq, expiresAtMs }
}

function checkHost (host: string): void {
  checkPlace({ region: '-', ingestHost: host, ingestPort: 1, playHost: host, playPort: 1 })
}
