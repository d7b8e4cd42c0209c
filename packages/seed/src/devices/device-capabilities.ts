/** What a device says of itself when it registers, and whether that is what another one looks for. */
import { flag, list, number, oneOf, optional, record, text, whole } from './field-check.ts'
import type { Checked } from './field-check.ts'

/** Most models that a device lists, loaded or to be swapped in. */
export const MAX_DEVICE_MODELS = 64
export const MAX_MODEL_CHARS = 128

const models = list(text(1, MAX_MODEL_CHARS), MAX_DEVICE_MODELS)

export const tier = whole(1, 4)

export const deviceHardware = record({
  chipFamily: text(0, 64),
  chipName: text(0, 128),
  totalRAMGB: number(0, 1_000_000),
  gpuCoreCount: whole(0, 10_000_000),
  memoryBandwidthGBs: number(0, 10_000_000),
  tier,
  gpuBackend: optional(oneOf('metal', 'cuda', 'rocm', 'vulkan', 'sycl', 'cpu')),
  platform: optional(oneOf('macOS', 'iOS', 'linux', 'windows', 'android', 'freebsd')),
  gpuVRAMGB: optional(number(0, 1_000_000))
})

export const deviceCapabilities = record({
  hardware: deviceHardware,
  loadedModels: models,
  maxModelSizeGB: number(0, 1_000_000),
  isAvailable: flag,
  ptnIDs: optional(list(text(0, 128), 64)),
  swappableModels: optional(models),
  maxConcurrentRequests: optional(whole(0, 1_000_000)),
  effectiveContext: optional(whole(0, 1_000_000_000)),
  onACPower: optional(flag)
})

export const deviceFilter = record({
  modelID: optional(text(1, MAX_MODEL_CHARS)),
  minRAMGB: optional(number(0, 1_000_000)),
  minTier: optional(tier)
})

export type DeviceCapabilities = Checked<typeof deviceCapabilities>
export type DeviceHardware = Checked<typeof deviceHardware>
export type DeviceFilter = Checked<typeof deviceFilter>

/** "This tier or better": the smaller number is the better tier. */
export function meetsFilter (capabilities: DeviceCapabilities, filter: DeviceFilter): boolean {
  const { hardware, loadedModels } = capabilities
  return (filter.minTier == null || hardware.tier <= filter.minTier) &&
    (filter.minRAMGB == null || hardware.totalRAMGB >= filter.minRAMGB) &&
    (filter.modelID == null || loadedModels.includes(filter.modelID))
}
