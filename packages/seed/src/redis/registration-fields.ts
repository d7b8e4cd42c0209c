/** What Redis keeps of a registration besides the signed record: columns to compare, packed, and the lists it stands in. */
import { networkOf } from '@skein/records'
import { HASH_DOMAIN } from '../registry/discover-search.ts'
import { rttCode, rttOfCode, saturated, taskBit } from '../registry/registration-columns.ts'
import { hasRoom, shareOf } from '../registry/relay-rank.ts'
import { idOf } from './registry-keys.ts'
import type { KeyedHash } from '../registry/keyed-hash.ts'
import type { Candidate } from '../registry/discover-rank.ts'
import type { Capabilities, RelayLoad } from '@skein/records'

/** Models of one registration that get lists, the loaded ones first; the rest are found one by one. */
const MAX_LISTED_MODELS = 24
const HEAD_BYTES = 27
const NAME_BYTES = 4

/** Where a peer stands in the ring: 32 bits and 21, together a whole number that a score can hold. */
export interface Place {
  hi: number
  lo: number
}

/** As the scripts read it from JSON: label, loaded models with their names, loadable ones, whether there are more, how full a relay is. */
interface Listing {
  /** Tier and region */
  t: string
  l: Array<[id: string, name: string]>
  w: string[]
  r: boolean
  y?: { region: string, load: RelayLoad, share: number }
}

export interface RegistrationFields {
  place: string
  columns: Buffer
  listing: string
}

export function fieldsOf (capabilities: Capabilities, hash: KeyedHash, rttMs?: number): RegistrationFields {
  const region = capabilities.region.toWellFormed()
  const loaded = [...new Set(capabilities.loadedModels)]
  const all = [...new Set([...loaded, ...capabilities.swappableModels])]
  const listed = new Set(all.slice(0, MAX_LISTED_MODELS))
  const names = [
    ...all.slice(MAX_LISTED_MODELS).map(model => nameHash(hash, model, 'model')),
    ...capabilities.tasks.filter(task => taskBit(task) === 0).map(task => nameHash(hash, task, 'task'))
  ]
  const { relay } = capabilities
  const listing: Listing = {
    t: `${Math.min(7, capabilities.tier)}${region}`,
    l: loaded.filter(model => listed.has(model)).map(model => [idOf(model), `${region}\0${model.toWellFormed()}`]),
    w: all.filter(model => listed.has(model) && !loaded.includes(model)).map(idOf),
    r: all.length > listed.size,
    y: relay === undefined || !hasRoom(relay) ? undefined : { region, load: relay, share: shareOf(relay) }
  }
  return {
    place: scoreOf(placeOf(hash, capabilities.peer)),
    columns: packColumns(capabilities, names, hash, rttMs),
    listing: JSON.stringify(listing)
  }
}

/** Memory in KiB, context, price; network; tier, tasks, free places, places; region; round trip; names. The scripts know these offsets. */
function packColumns (capabilities: Capabilities, names: Buffer[], hash: KeyedHash, rttMs?: number): Buffer {
  const [first] = capabilities.addresses
  const network = hash.text(first === undefined ? '' : networkOf(first) ?? '', HASH_DOMAIN.network).lo & 0xffff
  const bytes = Buffer.alloc(HEAD_BYTES + NAME_BYTES * names.length)
  bytes.writeUInt32BE(saturated(capabilities.ramBytes / 1024), 0)
  bytes.writeUInt32BE(saturated(capabilities.vramBytes / 1024), 4)
  bytes.writeUInt32BE(saturated(capabilities.effectiveContext), 8)
  bytes.writeUInt32BE(saturated(capabilities.priceMicros), 12)
  bytes.writeUInt16BE(network, 16)
  bytes.writeUInt8(Math.min(7, capabilities.tier), 18)
  bytes.writeUInt8(capabilities.tasks.reduce((bits, task) => bits | taskBit(task), 0), 19)
  bytes.writeUInt8(Math.min(255, Math.max(0, capabilities.maxConcurrent - capabilities.queueDepth)), 20)
  bytes.writeUInt8(Math.min(255, capabilities.maxConcurrent), 21)
  nameHash(hash, capabilities.region, 'region').copy(bytes, 22)
  bytes.writeUInt8(rttMs === undefined ? 0 : rttCode(rttMs), 26)
  names.forEach((name, i) => { name.copy(bytes, HEAD_BYTES + NAME_BYTES * i) })
  return bytes
}

/** What ranks are made of, and the network. */
export function readColumns (bytes: Buffer): Omit<Candidate, 'turn'> & { network: number } {
  return {
    ramKiB: bytes.readUInt32BE(0),
    vramKiB: bytes.readUInt32BE(4),
    network: bytes.readUInt16BE(16),
    tier: bytes.readUInt8(18),
    free: bytes.readUInt8(20),
    maxConcurrent: bytes.readUInt8(21),
    rttMs: rttOfCode(bytes.readUInt8(26))
  }
}

/** A name as it is compared: four bytes. */
export function nameHash (hash: KeyedHash, name: string, domain: 'model' | 'region' | 'task'): Buffer {
  const bytes = Buffer.alloc(NAME_BYTES)
  bytes.writeUInt32BE(hash.text(name, HASH_DOMAIN[domain]).lo)
  return bytes
}

export function placeOf (hash: KeyedHash, peer: string): Place {
  const { hi, lo } = hash.text(peer, HASH_DOMAIN.peer)
  return { hi, lo: lo >>> 11 }
}

export function scoreOf ({ hi, lo }: Place): string {
  return String(hi * 0x200000 + lo)
}

export function placeOfScore (score: number): Place {
  return { hi: Math.floor(score / 0x200000), lo: score % 0x200000 }
}
