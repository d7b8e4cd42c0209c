/** A ledger over restarts, on a real disk. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ManualClock } from '@skein/core'
import { expect } from 'chai'
import { ReputationLedger } from '../../src/index.ts'
import { openReputationStore, ReputationKeeper } from '../../src/node/index.ts'
import { DAY_MS, identity, NOW_MS, receipt, signedByBoth } from '../ledger-fixture.ts'
import type { LedgerChange } from '../../src/index.ts'
import type { ReputationStore } from '../../src/node/index.ts'

describe('a keeper of a ledger', () => {
  let folder: string

  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'skein-keeper-')) })
  afterEach(async () => { await rm(folder, { recursive: true, force: true }) })

  it('brings it back as it was, with receipts to show, none of which counts again', async () => {
    const [me, provider] = [await identity(), await identity()]
    const clock = new ManualClock(NOW_MS)
    const path = join(folder, 'reputation')
    const store = await openReputationStore({ path })
    const ledger = new ReputationLedger({ self: me.name })
    const keeper = new ReputationKeeper({ ledger, store, clock })
    await keeper.start()
    const proofs = await Promise.all([0, 1, 2].map(async i =>
      await signedByBoth(receipt({ provider: provider.name, consumer: me.name, issuedAtMs: NOW_MS + i }), me, provider)))
    expect(proofs.map(proof => ledger.onReceipt(proof, NOW_MS + 2))).to.deep.equal(['first-hand', 'first-hand', 'first-hand'])
    await keeper.stop()
    await store.close()

    clock.advance(DAY_MS)
    const again = await openReputationStore({ path })
    const restored = new ReputationLedger({ self: me.name })
    const second = new ReputationKeeper({ ledger: restored, store: again, clock })
    await second.start()
    expect(restored.explain(provider.name, 'inference', clock.nowMs())).to.deep.equal(ledger.explain(provider.name, 'inference', clock.nowMs()))
    expect(restored.receiptsWith(provider.name, clock.nowMs())).to.deep.equal(ledger.receiptsWith(provider.name, clock.nowMs()))
    expect(proofs.map(proof => restored.onReceipt(proof, clock.nowMs()))).to.deep.equal(['replayed', 'replayed', 'replayed'])
    await second.stop()
    await again.close()
  })

  it('saves every few seconds, and what could not be saved with the next', async () => {
    const clock = new ManualClock(NOW_MS)
    const saved: LedgerChange[] = []
    const failures: unknown[] = []
    let turn = Promise.withResolvers<void>()
    let broken = true
    const store: ReputationStore = {
      records: async () => [],
      replace: async () => {},
      close: async () => {},
      save: async change => {
        queueMicrotask(() => { turn.resolve() })
        if (broken) {
          throw new Error('full')
        }
        saved.push(change)
      }
    }
    const ledger = new ReputationLedger({ self: 'me' })
    const keeper = new ReputationKeeper({ ledger, store, clock, intervalMs: 1000, onFailure: error => { failures.push(error) } })
    await keeper.start()
    ledger.onEvidence('a', 'relay', { good: 1 }, NOW_MS)
    clock.advance(1000)
    await turn.promise
    turn = Promise.withResolvers()
    broken = false
    ledger.onEvidence('b', 'relay', { good: 1 }, NOW_MS)
    await keeper.stop()
    expect(failures).to.have.length(1)
    expect(saved.flatMap(({ put }) => put.filter(({ type }) => type === 'standing').map(record => 'peer' in record ? record.peer : '')).sort())
      .to.deep.equal(['a', 'b'])
  })
})
