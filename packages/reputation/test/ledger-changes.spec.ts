import { expect } from 'chai'
import { LedgerChanges } from '../src/index.ts'
import { standingNumber } from './ledger-fixture.ts'

describe('the changes of a ledger', () => {
  it('are the newest of each record, once', () => {
    const changes = new LedgerChanges()
    changes.put(standingNumber('a', 1))
    changes.put(standingNumber('b', 1))
    changes.put(standingNumber('a', 2))
    changes.deleted('standing/inference/b')
    expect(changes.take()).to.deep.equal({ put: [standingNumber('a', 2)], deleted: ['standing/inference/b'] })
    expect(changes.take()).to.deep.equal({ put: [], deleted: [] })
  })

  it('come back when they could not be saved, but not over newer ones', () => {
    const changes = new LedgerChanges()
    changes.put(standingNumber('a', 1))
    changes.put(standingNumber('b', 1))
    const failed = changes.take()
    changes.put(standingNumber('a', 2))
    changes.giveBack(failed)
    expect(changes.take().put).to.have.deep.members([standingNumber('a', 2), standingNumber('b', 1)])
  })

  it('are all records when there are too many, until they are taken', () => {
    const changes = new LedgerChanges()
    for (let i = 0; i < 20_000; i++) {
      changes.put(standingNumber(`peer-${i}`, i))
    }
    expect([changes.overflowed, changes.size]).to.deep.equal([true, 0])
    const failed = changes.take()
    expect(changes.overflowed).to.equal(false)
    changes.giveBack(failed, true)
    expect(changes.overflowed).to.equal(true)
  })
})
