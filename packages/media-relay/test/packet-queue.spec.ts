import { expect } from 'chai'
import fc from 'fast-check'
import { PacketQueue, RateMeter } from '../src/index.ts'

describe('the queue of a player', () => {
  it('is, whatever happens, the newest packets that fit, in order', () => {
    const steps = fc.array(fc.oneof(fc.integer({ min: 1, max: 60 }), fc.constant('shift' as const)), { maxLength: 200 })
    fc.assert(fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 150 }), steps, (maxPackets, maxBytes, taken) => {
      const queue = new PacketQueue({ maxPackets, maxBytes })
      let model: Uint8Array[] = []
      let dropped = 0
      for (const step of taken) {
        if (step === 'shift') {
          expect(queue.shift()).to.equal(model.shift())
          continue
        }
        const packet = new Uint8Array(step)
        queue.push(packet)
        const kept = step > maxBytes ? model : newest([...model, packet], maxPackets, maxBytes)
        dropped += model.length + 1 - kept.length
        model = kept
        expect(queue.length).to.equal(model.length)
        expect(queue.byteLength).to.equal(bytesOf(model)).and.to.be.at.most(maxBytes)
        expect(queue.droppedPackets).to.equal(dropped)
      }
      while (model.length > 0) {
        expect(queue.shift()).to.equal(model.shift())
      }
      expect(queue.shift()).to.equal(undefined)
    }))
  })

  it('counts what it drops', () => {
    const queue = new PacketQueue({ maxPackets: 2, maxBytes: 100 })
    for (const size of [10, 20, 30, 40, 200]) {
      queue.push(new Uint8Array(size))
    }

    expect([queue.droppedPackets, queue.droppedBytes, queue.byteLength]).to.deep.equal([3, 230, 70])
  })

  it('may be emptied and used again', () => {
    const queue = new PacketQueue({ maxPackets: 2, maxBytes: 100 })
    queue.push(new Uint8Array(10))
    queue.clear()
    queue.push(new Uint8Array(20))

    expect([queue.shift()?.length, queue.shift(), queue.byteLength]).to.deep.equal([20, undefined, 0])
  })

  it('has to have room', () => {
    expect(() => new PacketQueue({ maxPackets: 0, maxBytes: 1 })).to.throw(RangeError)
    expect(() => new PacketQueue({ maxPackets: 1, maxBytes: 0 })).to.throw(RangeError)
  })
})

describe('the meter of a rate', () => {
  it('tells a steady rate from its first second on', () => {
    const meter = new RateMeter(10_000)
    for (let atMs = 10_000; atMs < 15_000; atMs += 10) {
      meter.add(10_000, atMs) // 8 Mbit/s
      if (atMs >= 11_000) {
        expect(meter.kbitPerSecond(atMs)).to.be.closeTo(8_000, 160)
      }
    }
  })

  it('falls to nothing two seconds after the last byte', () => {
    const meter = new RateMeter(0)
    for (let atMs = 0; atMs < 5_000; atMs += 10) {
      meter.add(1_000, atMs)
    }

    expect(meter.kbitPerSecond(6_000)).to.be.within(1, 799)
    expect(meter.kbitPerSecond(7_000)).to.equal(0)
    expect(meter.kbitPerSecond(1_000_000)).to.equal(0)
  })
})

function newest (packets: Uint8Array[], maxPackets: number, maxBytes: number): Uint8Array[] {
  let kept = packets
  while (kept.length > maxPackets || bytesOf(kept) > maxBytes) {
    kept = kept.slice(1)
  }
  return kept
}

function bytesOf (packets: Uint8Array[]): number {
  return packets.reduce((sum, { length }) => sum + length, 0)
}
