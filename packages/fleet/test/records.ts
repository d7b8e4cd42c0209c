/** Nodes and sessions for tests, with what a test does not care about filled in. */
import type { NodeSpec, SessionRecord } from '@skein/fleet'

export const MONTH = '2026-11'

export function nodeSpec (id: string, fields: Partial<NodeSpec> = {}): NodeSpec {
  return {
    id, region: 'us-central', capacity: 8, ingest: { host: '192.0.2.1', port: 5000 }, play: { host: '192.0.2.1', port: 4000 }, ...fields
  }
}

export function sessionRecord (id: string, fields: Partial<SessionRecord> = {}): SessionRecord {
  return {
    id,
    userId: `user-${id}`,
    slot: 1,
    name: 'k7mx2p9a',
    provider: 'pool',
    region: '',
    streamToken: `token-${id}`,
    state: 'provisioning',
    steps: [],
    fence: 1,
    leaseUntilMs: 300_000,
    workUntilMs: 10_000,
    createdMs: 0,
    version: 1,
    ...fields
  }
}
