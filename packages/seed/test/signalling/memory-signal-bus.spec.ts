import { ManualClock } from '@skein/core'
import { expect } from 'chai'
import { MemorySignalFleet } from '../../src/signalling/memory-signal-bus.ts'
import { busConformance } from './bus-conformance.ts'

describe('the bus in memory', () => {
  busConformance(() => {
    const clock = new ManualClock(Date.now())
    const fleet = new MemorySignalFleet(clock)
    return { bus: seed => fleet.bus(seed), advance: ms => { clock.advance(ms) } }
  })

  it('says that nobody listens', async () => {
    const bus = new MemorySignalFleet(new ManualClock()).bus('A')
    expect(await bus.publish('B', Uint8Array.of(1))).to.equal('nobody')
  })
})
