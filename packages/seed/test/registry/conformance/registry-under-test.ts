/** What the conformance suite asks of those who run it, and what its tests share. */
import { nameOf, capabilitiesOf, envelopeOf } from '../registration.ts'
import type { Capabilities } from '@skein/records'
import type { OrderRegions } from '../../../src/registry/region-order.ts'
import type { DiscoverQuery, Registry } from '../../../src/registry/registry.ts'

export interface RegistryOptions {
  /** @default 1000 */
  maxRegistrations?: number
  maxPerNetwork?: number
  orderRegions?: OrderRegions
  /** One with which the others of the test have nothing in common */
  stranger?: boolean
}

export interface RegistryUnderTest {
  /** An empty registry; what it needs is taken down after the test */
  open: (options?: RegistryOptions) => Promise<Registry>
  /** How many of the runs of a property are worth their time here */
  runs: (count: number) => number
}

export async function register (registry: Registry, peer: string, changes: Partial<Capabilities> = {}, nowMs = 0, size = 0): Promise<string> {
  const outcome = await registry.register(capabilitiesOf(peer, changes), envelopeOf(peer, changes.seq, size), nowMs)
  return outcome.registered ? outcome.renewed ? 'renewed' : 'registered' : outcome.reason
}

export async function discover (registry: Registry, query: DiscoverQuery = {}, nowMs = 0): Promise<string[]> {
  return (await registry.discover(query, nowMs)).envelopes.map(nameOf)
}

/** All pages. */
export async function walk (registry: Registry, query: DiscoverQuery, nowMs = 0, between = async (_page: number): Promise<void> => {}): Promise<string[]> {
  const names: string[] = []
  let cursor: Uint8Array | undefined
  for (let page = 0; page < 10_000; page++) {
    const answer = await registry.discover({ ...query, cursor }, nowMs)
    names.push(...answer.envelopes.map(nameOf))
    cursor = answer.cursor
    if (cursor === undefined) {
      return names
    }
    await between(page)
  }
  throw new Error('The walk does not end')
}
