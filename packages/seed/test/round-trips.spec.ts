import { ManualClock } from '@skein/core'
import { expect } from 'chai'
import { RoundTrips } from '../src/round-trips.ts'

const settled = async (): Promise<void> => { await new Promise(resolve => setImmediate(resolve)) }

describe('round trips to registered peers', () => {
  it('are measured for the next time, and anew when they are old', async () => {
    const clock = new ManualClock(0)
    const roundTrips = new RoundTrips({ clock })
    let pings = 0
    const ping = async (): Promise<number> => ++pings * 10
    expect(roundTrips.of('a', ping)).to.equal(undefined)
    await settled()
    expect([roundTrips.of('a', ping), roundTrips.of('a', ping), pings]).to.deep.equal([10, 10, 1])
    clock.advance(30 * 60_000)
    expect(roundTrips.of('a', ping)).to.equal(10)
    await settled()
    expect([roundTrips.of('a', ping), pings]).to.deep.equal([20, 2])
  })

  it('leave a peer that answers no ping alone for as long, and keep what was measured before', async () => {
    const clock = new ManualClock(0)
    const roundTrips = new RoundTrips({ clock })
    roundTrips.of('a', async () => 7)
    await settled()
    clock.advance(30 * 60_000)
    let asked = 0
    const silent = async (signal: AbortSignal): Promise<number> => {
      asked++
      return await new Promise((_resolve, reject) => { signal.addEventListener('abort', () => { reject(signal.reason as Error) }) })
    }
    roundTrips.of('a', silent)
    clock.advance(5_000)
    await settled()
    expect([roundTrips.of('a', silent), asked]).to.deep.equal([7, 1])
  })

  it('are asked for again when a first ping failed', async () => {
    const roundTrips = new RoundTrips({ clock: new ManualClock(0) })
    roundTrips.of('a', async () => { throw new Error('too many pings') })
    await settled()
    expect(roundTrips.of('a', async () => 5)).to.equal(undefined)
    await settled()
    expect(roundTrips.of('a', async () => 9)).to.equal(5)
  })

  it('have no more than eight pings under way', async () => {
    const roundTrips = new RoundTrips({ clock: new ManualClock(0) })
    const answers: Array<(ms: number) => void> = []
    const ping = async (): Promise<number> => await new Promise(resolve => { answers.push(resolve) })
    for (let i = 0; i < 20; i++) {
      roundTrips.of(`p${i}`, ping)
    }
    expect(answers.length).to.equal(8)
    answers.forEach(answer => { answer(1) })
    await settled()
    roundTrips.of('p19', ping)
    expect(answers.length).to.equal(9)
    roundTrips.stop()
  })
})
