import { expect } from 'chai'
import fc from 'fast-check'
import { sequenceAfter } from '../src/index.ts'
import { Copies } from '../src/sender/copies.ts'
import { joinDelayMs } from '../src/sender/registration.ts'
import { SentLog } from '../src/sender/sent-log.ts'

describe('The log of sent packets', () => {
  it('counts what is in flight exactly, whatever happens in whatever order', () => {
    const event = fc.record({ what: fc.constantFrom('send', 'again', 'deliver', 'lose', 'ack', 'leave'), steps: fc.nat(40), slot: fc.nat(3) })
    fc.assert(fc.property(fc.nat(0x7fffffff), fc.array(event, { maxLength: 300 }), (first, events) => {
      const log = new SentLog()
      const model = new Map<number, { slot: number, state: string }>()
      let next = first
      let acked = first
      for (const { what, steps, slot } of events) {
        const earlier = sequenceAfter(next, -Math.min(steps, (next - acked) & 0x7fffffff))
        const at = log.find(earlier)
        if (what === 'send') {
          log.record(next, slot, 1)
          model.set(next, { slot, state: 'flight' })
          next = sequenceAfter(next)
        } else if (what === 'again' && earlier !== next) {
          log.record(earlier, slot, 1)
          model.set(earlier, { slot, state: 'flight' })
        } else if ((what === 'deliver' || what === 'lose') && at !== undefined) {
          log[what](at, 2)
          const entry = model.get(earlier)
          if (entry !== undefined) {
            entry.state = 'settled'
          }
        } else if (what === 'ack') {
          log.forgetBelow(earlier)
          for (; acked !== earlier; acked = sequenceAfter(acked)) {
            model.delete(acked)
          }
        } else if (what === 'leave') {
          log.forgetSlot(slot)
          for (const [sequence, entry] of model) {
            if (entry.slot === slot) {
              model.delete(sequence)
            }
          }
        }
        const inFlight = [0, 1, 2, 3].map(wanted => [...model.values()].filter(entry => entry.slot === wanted && entry.state === 'flight').length)
        expect([...log.inFlight.subarray(0, 4)]).to.deep.equal(inFlight)
      }
    }), { numRuns: 300 })
  })

  it('holds 16,384 packets, and forgets older ones', () => {
    const log = new SentLog()
    for (let i = 0; i < 20_000; i++) {
      log.record(i, 0, i)
    }
    expect(log.inFlight[0]).to.equal(16_384)
    expect(log.find(3_615)).to.equal(undefined)
    expect(log.find(3_616)).to.equal(3_616)
  })

  it('begins anew with numbers that are far away', () => {
    const log = new SentLog()
    log.record(5, 0, 0)
    log.record(1_000_000, 1, 0)
    expect([...log.inFlight.subarray(0, 2)]).to.deep.equal([0, 1])
    log.forgetBelow(7) // of the connection before
    expect(log.inFlight[1]).to.equal(1)
  })
})

describe('Copies', () => {
  it('are known among the last 512 packets', () => {
    const copies = new Copies()
    const packet = (i: number): Uint8Array => Uint8Array.of(0x80, 2, i >> 8, i)
    for (let i = 0; i < 600; i++) {
      expect(copies.isCopy(packet(i), 4)).to.equal(false)
    }
    expect(copies.isCopy(packet(599), 4)).to.equal(true)
    expect(copies.isCopy(packet(100), 4)).to.equal(true)
    expect(copies.isCopy(packet(100), 3)).to.equal(false)
    expect(copies.isCopy(packet(10), 4)).to.equal(false)
  })
})

describe('A link that does not come up', () => {
  it('is tried every half second, every second, then ever more seldom', () => {
    expect([1, 4, 5, 30, 31, 32, 33, 40].map(tries => joinDelayMs(tries))).to.deep.equal([500, 500, 1_000, 1_000, 5_000, 10_000, 20_000, 120_000])
  })
})
