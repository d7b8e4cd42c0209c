/** What a device is and can do, signed by it: kept by seeds, read by those who choose among peers. */
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { checkLife, openEnvelope, readEnvelope, sealEnvelope } from './envelope.ts'
import { checkCount, checkName, checkNumber, MAX_ADDRESSES, MAX_MODELS, MAX_TASKS } from './field-bounds.ts'
import { CapabilitiesRecord } from './pb/record.ts'
import { RecordError } from './record-error.ts'
import type { Opened, RecordKind } from './envelope.ts'
import type { PrivateKey } from '@libp2p/interface'

/** The longest life of a capabilities record, which is also the life of a registration at a seed. */
export const MAX_CAPABILITIES_LIFE_MS = 300_000

export const CAPABILITIES_KIND: RecordKind = { domain: '/skein/capabilities/1', maxLifeMs: MAX_CAPABILITIES_LIFE_MS }

export interface Hardware {
  /** `appleSilicon`, `nvidia`, `amd`, `intel`, `qualcomm`, …; empty when unknown */
  chipFamily: string
  /** As the maker calls it */
  chipName: string
  ramBytes: number
  /** 0 without a graphics memory of its own */
  vramBytes: number
  /** GB/s; 0 when unknown */
  memoryBandwidthGBPerSecond: number
  /** 1 backbone, 2 desktop, 3 tablet, 4 phone */
  tier: number
  /** `metal`, `cuda`, `rocm`, `vulkan`, `sycl`, `cpu` */
  gpuBackend: string
  /** `macOS`, `iOS`, `linux`, `windows`, `android`, `freebsd`, `browser` */
  platform: string
}

/** How full a relay is. */
export interface RelayLoad {
  reservations: number
  maxReservations: number
  circuits: number
  maxCircuits: number
}

export interface Capabilities extends Hardware {
  /** The peer, as text */
  peer: string
  /** Short region name, `eu-west`; empty when unknown */
  region: string
  onMainsPower: boolean
  loadedModels: string[]
  /** Models that can be loaded on request */
  swappableModels: string[]
  /** Most requests served at once, over all models */
  maxConcurrent: number
  /** Requests being served now */
  queueDepth: number
  /** The longest prompt plus answer that any of the loaded models really serves, tokens; 0 when unknown */
  effectiveContext: number
  /** The lowest price of a million generated tokens, in millionths of a US dollar; 0 is free */
  priceMicros: number
  /** What can be asked of the loaded models: `chat`, `completion`, `embedding` */
  tasks: string[]
  /** Where the peer can be dialled, multiaddr texts without the peer's id, best first */
  addresses: string[]
  /** Of one that carries circuits for others; left out, it does not */
  relay?: RelayLoad
  seq: number
  issuedAtMs: number
  expiresAtMs: number
}

const RELAY_FIELDS = ['reservations', 'maxReservations', 'circuits', 'maxCircuits'] as const

export interface SignedCapabilities {
  capabilities: Capabilities
  envelope: Uint8Array
}

/** @throws {RecordError} `malformed` or `oversize`, naming the field */
export async function signCapabilities (capabilities: Capabilities, privateKey: PrivateKey): Promise<SignedCapabilities> {
  checkCapabilities(capabilities)
  const { peer, memoryBandwidthGBPerSecond, addresses, expiresAtMs, ...rest } = capabilities
  if (peer !== peerIdFromPrivateKey(privateKey).toString()) {
    throw new RecordError('wrong_signer', 'Only a peer itself can sign what it is and can do')
  }
  const payload = CapabilitiesRecord.encode({
    ...rest,
    memoryBandwidthGbPerSecond: memoryBandwidthGBPerSecond,
    issuedAtMs: Math.floor(rest.issuedAtMs),
    lifeMs: Math.floor(expiresAtMs - rest.issuedAtMs),
    addresses: addresses.map(address => Uint8Array.from(multiaddr(address).bytes))
  })
  return { capabilities, envelope: await sealEnvelope(CAPABILITIES_KIND, payload, privateKey) }
}

/** @throws {RecordError} with the reason */
export async function openCapabilities (envelope: Uint8Array, nowMs: number): Promise<SignedCapabilities> {
  const capabilities = decodeCapabilities(await openEnvelope(CAPABILITIES_KIND, envelope))
  checkLife(CAPABILITIES_KIND, capabilities, nowMs)
  return { capabilities, envelope }
}

/**
 * Reads an envelope that was opened before and kept since: neither its signature nor its life is checked again.
 *
 * @throws {RecordError} `oversize`, `malformed` or `wrong_type`
 */
export function readCapabilities (envelope: Uint8Array): Capabilities {
  return decodeCapabilities(readEnvelope(CAPABILITIES_KIND, envelope))
}

function decodeCapabilities (opened: Opened): Capabilities {
  let record: CapabilitiesRecord
  let addresses: string[]
  try {
    record = CapabilitiesRecord.decode(opened.payload)
    addresses = record.addresses.slice(0, MAX_ADDRESSES + 1).map(bytes => multiaddr(bytes).toString())
  } catch (error) {
    throw new RecordError('malformed', 'Not a capabilities record', { cause: error })
  }

  const { lifeMs, memoryBandwidthGbPerSecond, ...rest } = record
  const capabilities: Capabilities = {
    ...rest,
    peer: opened.peer,
    memoryBandwidthGBPerSecond: memoryBandwidthGbPerSecond,
    expiresAtMs: record.issuedAtMs + lifeMs,
    addresses
  }
  checkCapabilities(capabilities)
  return capabilities
}

function checkCapabilities (value: Capabilities): void {
  for (const field of ['chipFamily', 'chipName', 'gpuBackend', 'platform', 'region'] as const) {
    checkName(field, value[field], { empty: true, maxBytes: 64 })
  }
  checkCount('loadedModels', value.loadedModels, MAX_MODELS)
  checkCount('swappableModels', value.swappableModels, MAX_MODELS)
  for (const model of [...value.loadedModels, ...value.swappableModels]) {
    checkName('model', model)
  }
  checkNumber('tier', value.tier, 1, 4)
  checkNumber('seq', value.seq, 0, Number.MAX_SAFE_INTEGER)
  checkNumber('ramBytes', value.ramBytes, 0, Number.MAX_SAFE_INTEGER)
  checkNumber('vramBytes', value.vramBytes, 0, Number.MAX_SAFE_INTEGER)
  checkNumber('maxConcurrent', value.maxConcurrent, 0, 0xffffffff)
  checkNumber('queueDepth', value.queueDepth, 0, 0xffffffff)
  checkNumber('effectiveContext', value.effectiveContext, 0, 0xffffffff)
  checkNumber('priceMicros', value.priceMicros, 0, Number.MAX_SAFE_INTEGER)
  checkCount('tasks', value.tasks, MAX_TASKS)
  value.tasks.forEach(task => { checkName('task', task, { maxBytes: 32 }) })
  checkCount('addresses', value.addresses, MAX_ADDRESSES)
  for (const field of RELAY_FIELDS) {
    checkNumber(`relay.${field}`, value.relay?.[field] ?? 0, 0, 0xffffffff)
  }
  checkNumber('memoryBandwidthGBPerSecond', value.memoryBandwidthGBPerSecond, 0, 1e6, false)
}
