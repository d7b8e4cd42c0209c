import { expect } from 'chai'
import { dialability } from '../../src/paths/dialability.ts'
import type { DialEvidence } from '../../src/paths/dialability.ts'

const HOUR_MS = 3_600_000
const PUBLIC = ['/ip4/127.0.0.1/tcp/4001', '/ip4/192.0.2.7/tcp/4001/p2p/p']
const RELAY = '/ip4/203.0.113.1/tcp/4001/p2p/r/p2p-circuit/p2p/p'

const cases: Array<[what: string, evidence: DialEvidence, dialable: boolean, why: string]> = [
  ['with addresses of its home alone', { addresses: ['/ip4/192.168.1.7/tcp/4001', '/ip6/fe80::1/tcp/4001', '/ip4/100.64.3.2/tcp/1'] }, false, 'it has no public address'],
  ['that is reached through a relay', { addresses: [RELAY], cameInMs: 0 }, false, 'it has no public address'],
  ['with a public address', { addresses: PUBLIC }, true, 'it has a public address, which nobody has tried yet'],
  ['with a public IPv6 address', { addresses: ['/ip6/2001:db8::7/tcp/4001'] }, true, 'it has a public address, which nobody has tried yet'],
  ['to which others came', { addresses: PUBLIC, cameInMs: HOUR_MS }, true, 'others connect to it'],
  ['to which others came long ago', { addresses: PUBLIC, cameInMs: 0 }, true, 'it has a public address, which nobody has tried yet'],
  ['that asked once to be dialled, in vain', { addresses: PUBLIC, reverses: { asked: 1, came: 0 } }, true, 'it has a public address, which nobody has tried yet'],
  ['that asked two to dial it, in vain', { addresses: PUBLIC, reverses: { asked: 2, came: 0 } }, false, 'it has a public address, but those whom it asked to dial it did not come'],
  ['to which one of those that it asked came', { addresses: PUBLIC, reverses: { asked: 9, came: 1 } }, true, 'it has a public address, which nobody has tried yet'],
  ['that was dialled back', { addresses: PUBLIC, dialBack: { state: 'reachable', atMs: HOUR_MS } }, true, 'others dialled it back'],
  ['behind a firewall', { addresses: PUBLIC, cameInMs: HOUR_MS, dialBack: { state: 'unreachable', atMs: HOUR_MS } }, false, 'others could not dial it back'],
  ['whom nobody could be asked about', { addresses: PUBLIC, dialBack: { state: 'unknown', atMs: HOUR_MS } }, true, 'it has a public address, which nobody has tried yet'],
  ['whose verdict is old', { addresses: PUBLIC, dialBack: { state: 'unreachable', atMs: 0 } }, true, 'it has a public address, which nobody has tried yet']
]

describe('whether others can dial a peer', () => {
  for (const [what, evidence, dialable, why] of cases) {
    it(`${dialable ? 'holds' : 'does not hold'} of one ${what}`, () => {
      expect(dialability(evidence, HOUR_MS + 1_000)).to.deep.equal({ dialable, why })
    })
  }
})
