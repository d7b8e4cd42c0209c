import { ManualClock } from '@skein/core'
import { expect } from 'chai'
import { NetworkWatch } from '../../src/paths/network-watch.ts'

describe('the watch of the network that a machine is in', () => {
  it('tells of other addresses within a second, and of none while they are the same in another order', () => {
    const clock = new ManualClock(0)
    const told: string[][] = []
    let addresses = ['192.0.2.1', '10.0.0.1']
    const watch = new NetworkWatch({ addresses: () => addresses, clock, onChange: changed => { told.push([...changed]) } })
    watch.start()
    clock.advance(10_000)
    addresses = ['10.0.0.1', '192.0.2.1']
    clock.advance(10_000)
    expect(told).to.deep.equal([])
    addresses = ['10.0.0.1']
    clock.advance(1_000)
    addresses = []
    clock.advance(10_000)
    addresses = ['198.51.100.1']
    clock.advance(1_000)
    expect(told).to.deep.equal([['10.0.0.1'], [], ['198.51.100.1']])
    watch.stop()
    addresses = ['203.0.113.1']
    clock.advance(10_000)
    expect(told).to.have.length(3)
  })
})
