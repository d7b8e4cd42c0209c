import { ManualClock } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { CarriedLoad } from '../../src/super-node/carried-load.ts'
import type { DayUsage, VolunteerState } from '@skein/supernode'
import type { CarriedLoadInit } from '../../src/super-node/carried-load.ts'

const NOON = Date.UTC(2026, 10, 21, 12)
const KIB64 = 65_536

/** What is on disk after a save, and its spare. */
interface Saved { bytes: number, spareBytes: number }

describe('what a super-node carries', () => {
  let clock: ManualClock
  let states: VolunteerState[]
  let ended: string[]

  beforeEach(() => {
    clock = new ManualClock(NOON)
    ;[states, ended] = [[], []]
  })

  function load (init: Partial<CarriedLoadInit> = {}): CarriedLoad {
    return new CarriedLoad({
      quota: {}, days: [], clock, onState: state => { states.push(state) }, endCircuits: why => { ended.push(why) }, ...init
    })
  }

  const bytesOf = (days: readonly DayUsage[]): number => days.reduce((sum, { bytes }) => sum + bytes, 0)

  it('passes the line twice', () => {
    const carried = load()
    expect(carried.onBytes(1_000)).to.deep.equal({ type: 'pass' })
    expect(bytesOf(carried.days())).to.equal(2_000)
  })

  it('counts what else the line carried, once, also when bytes of circuits are still on their way out', async () => {
    let line = 0
    const carried = load({ lineBytes: () => line })
    carried.start()
    line = 10_000 // of these 4,000 came in for a circuit
    clock.advance(5_000)
    expect(bytesOf(carried.days())).to.equal(10_000)
    carried.onBytes(4_000)
    line = 14_000 // … and have gone out
    clock.advance(5_000)
    expect(bytesOf(carried.days())).to.equal(18_000)
    line = 20_000
    clock.advance(5_000)
    expect(bytesOf(carried.days()), 'what was counted early is not counted again').to.equal(20_000)
    await carried.stop()
  })

  it('counts media as they come in and as they go out, and what SRT sends again when it is measured', async () => {
    let line = 0
    const carried = load({ lineBytes: () => line })
    carried.start()
    expect(carried.onReceived(1_000)).to.deep.equal({ type: 'pass' })
    expect(carried.onSent(1_000)).to.deep.equal({ type: 'pass' })
    expect(carried.onSent(1_000)).to.deep.equal({ type: 'pass' })
    expect(bytesOf(carried.days())).to.equal(3_000)
    line = 3_100
    clock.advance(5_000)
    expect(bytesOf(carried.days())).to.equal(3_100)
    await carried.stop()
  })

  it('counts media that have come in though they go no further', () => {
    const carried = load({ quota: { bytesPerDay: 2_500 } })
    expect(carried.onReceived(2_000).type).to.equal('pass')
    expect(carried.onSent(1_000)).to.deep.equal({ type: 'stop', why: 'day_quota' })
    expect(bytesOf(carried.days())).to.equal(2_000)
    expect(carried.onReceived(1_000)).to.deep.equal({ type: 'stop', why: 'day_quota' })
    expect(bytesOf(carried.days())).to.equal(3_000)
  })

  it('waits for bandwidth, and says which quota is used up', () => {
    const carried = load({ quota: { bytesPerSecond: 200_000, bytesPerDay: 400_000 } })
    expect(carried.onBytes(KIB64).type).to.equal('pass')
    expect(carried.onBytes(KIB64).type).to.equal('pass')
    expect(carried.onBytes(KIB64)).to.deep.equal({ type: 'wait', waitMs: 656 })
    clock.advance(5_000)
    expect(carried.onBytes(KIB64).type).to.equal('pass')
    expect(carried.onBytes(KIB64)).to.deep.equal({ type: 'stop', why: 'day_quota' })
    expect(states.map(({ state }) => state)).to.deep.equal(['paused'])
    expect(carried.onCircuit('a')).to.equal(false)
  })

  it('is paused when the processor was busy for half a minute, and goes on when it was idle for as long', async () => {
    let share = 0.9
    const carried = load({ quota: { cpuShare: 0.5 }, cpuShare: () => share })
    carried.start()
    for (let i = 0; i < 6; i++) { clock.advance(5_000) }
    expect(states).to.deep.equal([])
    clock.advance(5_000)
    expect(states).to.have.length(1)
    expect(states[0]).to.deep.include({ state: 'paused', why: ['cpu'] })
    share = 0.1
    for (let i = 0; i < 8; i++) { clock.advance(5_000) }
    expect(carried.state).to.deep.equal({ state: 'active' })
    await carried.stop()
  })

  it('drains: refuses circuits, and ends those that are left at the deadline', () => {
    const carried = load()
    carried.onCircuit('a')
    carried.drain(NOON + 1_000)
    expect(carried.onCircuit('b')).to.equal(false)
    expect(carried.onBytes(1).type).to.equal('pass')
    clock.advance(1_000)
    expect(ended).to.deep.equal(['drained'])
    expect(carried.onBytes(1)).to.deep.equal({ type: 'stop', why: 'drained' })
  })

  it('has never carried more than what is on disk and its spare, however slow the disk and whenever the power goes', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.oneof(fc.nat(KIB64), fc.constant('save done' as const), fc.constant('time' as const)), { maxLength: 60 }),
      async steps => {
        let disk: Saved = { bytes: 0, spareBytes: 0 }
        const writes: Array<() => void> = []
        const carried = load({
          quota: { bytesPerDay: 100e6 }, // a spare of 500 kB
          save: async (days, spareBytes) => {
            await new Promise<void>(resolve => { writes.push(resolve) })
            disk = { bytes: bytesOf(days), spareBytes }
          }
        })
        carried.start()
        await settled()
        writes.shift()?.()
        await settled()
        for (const step of steps) {
          if (step === 'save done') {
            writes.shift()?.()
          } else if (step === 'time') {
            clock.advance(31_000)
          } else {
            carried.onBytes(step)
          }
          await settled()
          // up to half of the spare may be carried before a save is asked for, the rest while it is written; a piece may be on top
          expect(bytesOf(carried.days())).to.be.at.most(disk.bytes + disk.spareBytes)
        }
      }), { numRuns: 60 })
  })

  it('writes down at the end that nothing is spare', async () => {
    const saved: Saved[] = []
    const carried = load({ save: async (days, spareBytes) => { saved.push({ bytes: bytesOf(days), spareBytes }) } })
    carried.start()
    await settled()
    carried.onBytes(500)
    await carried.stop()
    expect(saved).to.deep.equal([{ bytes: 0, spareBytes: 64 * 2 ** 20 }, { bytes: 1_000, spareBytes: 0 }])
    expect(carried.onBytes(1)).to.deep.equal({ type: 'stop', why: 'drained' })
  })

  async function settled (): Promise<void> {
    for (let i = 0; i < 10; i++) {
      await Promise.resolve()
    }
  }
})
