/** Registrations for tests: capabilities with a field or two that matter, and bytes that stand for the envelope. */
import type { Capabilities } from '@skein/records'

export function capabilitiesOf (peer: string, changes: Partial<Capabilities> = {}): Capabilities {
  return {
    peer, chipFamily: '', chipName: '', ramBytes: 0, vramBytes: 0, memoryBandwidthGBPerSecond: 0, tier: 2, gpuBackend: 'cpu', platform: 'linux',
    region: '', onMainsPower: true, loadedModels: [], swappableModels: [], maxConcurrent: 1, queueDepth: 0,
    effectiveContext: 0, priceMicros: 0, tasks: [], addresses: ['/ip4/1.1.1.1/tcp/1'], seq: 1, issuedAtMs: 0, expiresAtMs: 300_000, ...changes
  }
}

/** The name, the seq, and filling up to `size`. */
export function envelopeOf (peer: string, seq = 1, size = 0): Uint8Array<ArrayBuffer> {
  const name = new TextEncoder().encode(`${peer} ${seq} `)
  const bytes = new Uint8Array(Math.max(name.length, size)).fill(0x2e)
  bytes.set(name)
  return bytes
}

export function nameOf (envelope: Uint8Array): string {
  return new TextDecoder().decode(envelope).split(' ')[0] as string
}
