/** What a device is and can do, signed by it: kept by seeds, read by those who choose among peers. */
import { equalBytes } from '@skein/core'
import { checkLife, openEnvelope, sealEnvelope } from './envelope.ts'
import { checkCount, checkName, checkNumber, MAX_MODELS } from './field-bounds.ts'
import { CapabilitiesRecord } from './pb/record.ts'
import { peerIdBytesOf } from './peer-name.ts'
import { RecordError } from './record-error.ts'
import type { RecordKind } from './envelope.ts'
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
  seq: number
  issuedAtMs: number
  expiresAtMs: number
}

export interface SignedCapabilities {
  capabilities: Capabilities
  envelope: Uint8Array
}

/** @throws {RecordError} `malformed` or `oversize`, naming the field */
export async function signCapabilities (capabilities: Capabilities, privateKey: PrivateKey): Promise<SignedCapabilities> {
  checkCapabilities(capabilities)
  const { peer, memoryBandwidthGBPerSecond, ...rest } = capabilities
  const payload = CapabilitiesRecord.encode({
    ...rest,
    peerId: peerIdBytesOf(peer),
    memoryBandwidthGbPerSecond: memoryBandwidthGBPerSecond,
    issuedAtMs: Math.floor(rest.issuedAtMs),
    expiresAtMs: Math.floor(rest.expiresAtMs)
  })
  return { capabilities, envelope: await sealEnvelope(CAPABILITIES_KIND, payload, privateKey) }
}

/** @throws {RecordError} with the reason */
export async function openCapabilities (envelope: Uint8Array, nowMs: number): Promise<SignedCapabilities> {
  const opened = await openEnvelope(CAPABILITIES_KIND, envelope)

  let record: CapabilitiesRecord
  try {
    record = CapabilitiesRecord.decode(opened.payload)
  } catch (error) {
    throw new RecordError('malformed', 'Not a capabilities record', { cause: error })
  }
  if (!equalBytes(record.peerId, opened.peerIdBytes)) {
    throw new RecordError('wrong_signer', 'Signed by another key than that of the peer it speaks of')
  }

  const { peerId: _, memoryBandwidthGbPerSecond, ...rest } = record
  const capabilities: Capabilities = { ...rest, peer: opened.peer, memoryBandwidthGBPerSecond: memoryBandwidthGbPerSecond }
  checkCapabilities(capabilities)
  checkLife(CAPABILITIES_KIND, capabilities, nowMs)
  return { capabilities, envelope }
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
  checkNumber('memoryBandwidthGBPerSecond', value.memoryBandwidthGBPerSecond, 0, 1e6, false)
}
