import { expect } from 'chai'
import { isWorthWaiting, PUNCH_PATIENCE_MS } from '../src/index.ts'
import type { PeerPath } from '../src/index.ts'

const RELAYED: PeerPath = { path: 'relayed', lastPath: 'relayed', why: '', sinceMs: 10_000, failed: [], isStuck: false }
const CASES: Array<[what: string, path: Partial<PeerPath>, afterMs: number, waits: boolean]> = [
  ['while it is not known what the other side can do', {}, 100, true],
  ['while a way is tried for the first time', { trying: 'tcp-punch' }, 1_000, true],
  ['while the next way is tried after one that failed', { trying: 'tcp-punch', failed: [{ way: 'dial', failures: 1, untilMs: 40_000 }] }, 100, true],
  ['no longer than it is worth', { trying: 'tcp-punch' }, PUNCH_PATIENCE_MS, false],
  ['not for a way that failed before', { trying: 'tcp-punch', failed: [{ way: 'tcp-punch', failures: 1, untilMs: 40_000 }] }, 100, false],
  ['not where a relay is what is left', { isStuck: true }, 100, false],
  ['not on a path that is no relay', { path: 'punched', lastPath: 'punched' }, 100, false],
  ['not where nothing is connected any more', { path: undefined }, 100, false]
]

describe('a call that a relay could carry', () => {
  for (const [what, path, afterMs, waits] of CASES) {
    it(`waits ${what}`, () => {
      expect(isWorthWaiting({ ...RELAYED, ...path }, PUNCH_PATIENCE_MS, RELAYED.sinceMs + afterMs)).to.equal(waits)
    })
  }
})
