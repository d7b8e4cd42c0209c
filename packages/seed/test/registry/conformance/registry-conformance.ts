/** One suite that every registry passes: the one in memory (`*.spec.ts`) and the one in Redis (`*.node.ts`). */
import { discoverConformance } from './discover-conformance.ts'
import { modelsConformance, relaysConformance, sampleConformance } from './listing-conformance.ts'
import { networkConformance, registerConformance } from './register-conformance.ts'
import type { RegistryUnderTest } from './registry-under-test.ts'

export function registryConformance (registry: RegistryUnderTest): void {
  describe('register', () => { registerConformance(registry) })
  describe('register from a network', () => { networkConformance(registry) })
  describe('discover', () => { discoverConformance(registry) })
  describe('sample', () => { sampleConformance(registry) })
  describe('models', () => { modelsConformance(registry) })
  describe('relays', () => { relaysConformance(registry) })
}
