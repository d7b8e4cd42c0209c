import { SeededRandom } from '@skein/core'
import { MemoryRegistry } from '../../../src/registry/memory-registry.ts'
import { registryConformance } from './registry-conformance.ts'

describe('MemoryRegistry as a registry', function () {
  // two properties over whole walks take seconds each
  this.timeout(60_000)
  registryConformance({
    open: async ({ stranger, ...options } = {}) => new MemoryRegistry({ maxRegistrations: 1000, ...options, random: new SeededRandom(stranger === true ? 8 : 7) }),
    runs: count => count
  })
})
