import { expect } from 'chai'
import { isOpenCone, OpenCone } from '../src/open-cone.ts'
import type { NatVerdict } from '../src/index.ts'

const OPEN: NatVerdict = { mapping: 'endpoint-independent', filtering: 'open' }

describe('a NAT that lets everybody in', () => {
  it('is one that maps endpoint-independently and filters nobody', () => {
    expect(isOpenCone(OPEN)).to.equal(true)
    const others: Array<NatVerdict | undefined> = [
      { ...OPEN, filtering: 'address' }, { mapping: 'endpoint-independent' }, { mapping: 'random', filtering: 'open' }, { mapping: 'blocked' }, undefined
    ]
    expect(others.map(isOpenCone)).to.deep.equal([false, false, false, false, false])
  })

  it('is not taken for one over TCP, for an hour, after nobody came in twice in a row', () => {
    let nowMs = 0
    const cone = new OpenCone(() => OPEN, () => nowMs)
    const told: boolean[] = []
    for (const worked of [false, true, false, false]) {
      cone.onListened(worked)
      told.push(cone.is())
    }
    expect(told).to.deep.equal([true, true, true, false])
    nowMs = 3_599_999
    expect(cone.is()).to.equal(false)
    nowMs = 3_600_000
    expect(cone.is()).to.equal(true)
  })
})
