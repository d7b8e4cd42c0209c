import { expect } from 'chai'
import { ConnectionPulse } from '../src/index.ts'
import type { ConnectionPulseInit } from '../src/index.ts'

class Watched extends ConnectionPulse {
  nowMs = 1_000_000

  constructor (init: ConnectionPulseInit = {}, ...connections: string[]) {
    super(init)
    for (const connection of connections.length === 0 ? ['c'] : connections) {
      this.onOpen(connection, this.nowMs)
    }
  }

  use (): this {
    this.onUse('c', this.nowMs)
    return this
  }

  hear (): this {
    this.onHeard('c', this.nowMs)
    return this
  }

  /** Time in which the machine is looked at when it wants to be. */
  wait (ms: number): this {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs;) {
      this.nowMs = Math.min(endMs, this.nextTimeoutMs() ?? endMs)
      this.onTimeout(this.nowMs)
    }
    return this
  }

  /** Time in which the process stands still. */
  stall (ms: number): this {
    this.nowMs += ms
    this.onTimeout(this.nowMs)
    return this
  }

  get told (): string[] {
    const told: string[] = []
    for (let effect = this.poll(); effect !== undefined; effect = this.poll()) {
      told.push(effect.type === 'silence' ? effect.silence : effect.type)
    }
    return told
  }
}

describe('the pulse of a connection', () => {
  it('is not taken while nothing depends on it', () => {
    const watched = new Watched().wait(3_600_000)
    expect(watched.told).to.deep.equal([])
    expect(watched.nextTimeoutMs()).to.equal(undefined)
  })

  it('is taken at once when one that stood idle is used, and not of one that just spoke', () => {
    expect(new Watched().wait(5_000).use().told).to.deep.equal(['ping'])
    expect(new Watched().wait(500).use().told).to.deep.equal([])
  })

  it('is taken while a call waits in silence, and not while bytes come', () => {
    const watched = new Watched().use()
    for (let i = 0; i < 50; i++) {
      watched.wait(900).hear()
    }
    expect(watched.told).to.deep.equal([])
    expect(watched.wait(1_000).told).to.deep.equal(['ping'])
  })

  it('tells of silence in steps, and then nothing more', () => {
    const watched = new Watched().use()
    watched.onRoundTrip('c', 20)
    expect(watched.wait(1_000).told).to.deep.equal(['ping'])
    expect(watched.wait(1_499).told).to.deep.equal([])
    expect(watched.wait(1).told).to.deep.equal(['silent'])
    expect(watched.silenceOf('c')).to.equal('silent')
    expect(watched.wait(2_500).told).to.deep.equal(['lost'])
    expect(watched.wait(11_000).told).to.deep.equal(['dead'])
    expect(watched.wait(3_600_000).told).to.deep.equal([])
  })

  it('takes a byte for a sign of life at any time but after the end', () => {
    const watched = new Watched().use().wait(7_000)
    expect(watched.told).to.deep.equal(['ping', 'silent'])
    expect(watched.hear().told).to.deep.equal(['heard'])
    expect(watched.silenceOf('c')).to.equal(undefined)
    expect(watched.wait(30_000).told).to.deep.equal(['ping', 'silent', 'lost', 'dead'])
    expect(watched.hear().told).to.deep.equal([])
  })

  const CASES: Array<[name: string, roundTripsMs: number[], silentMs: number]> = [
    ['a near one', [2, 2, 2], 1_500],
    ['one that was never measured', [], 4_000],
    ['one over a satellite', [600, 610, 605, 600, 600, 605], 3_000],
    ['one that varies', [50, 900, 60, 1_200], 5_000]
  ]
  for (const [name, roundTripsMs, silentMs] of CASES) {
    it(`bears ${silentMs} ms of silence of ${name}`, () => {
      const watched = new Watched().use()
      roundTripsMs.forEach(ms => { watched.onRoundTrip('c', ms) })
      watched.wait(1_000)
      const fromMs = watched.nowMs
      expect(watched.told).to.deep.equal(['ping'])
      while (watched.silenceOf('c') === undefined) {
        watched.wait(10)
      }
      expect(watched.nowMs - fromMs).to.be.closeTo(silentMs, 600)
    })
  }

  it('blames nobody for a time in which this process stood still', () => {
    const watched = new Watched().use().wait(1_000)
    expect(watched.told).to.deep.equal(['ping'])
    expect(watched.stall(20_000).told).to.deep.equal([])
    expect(watched.hear().wait(500).told).to.deep.equal([])
  })

  it('asks no more once the call is over', () => {
    const watched = new Watched().use().wait(1_000)
    watched.onSettled('c')
    expect(watched.wait(60_000).told).to.deep.equal(['ping'])
  })

  it('asks all when the network has changed, used or not', () => {
    const watched = new Watched({}, 'c', 'd').wait(60_000)
    watched.onDoubt('c', watched.nowMs)
    watched.onDoubt('d', watched.nowMs)
    expect(watched.told).to.deep.equal(['ping', 'ping'])
    expect(watched.hear().wait(60_000).told).to.deep.equal(['silent', 'lost', 'dead'])
    expect(watched.silenceOf('c')).to.equal(undefined)
    expect(watched.silenceOf('d')).to.equal('dead')
  })

  it('waits for one whose address is gone no longer than for an interface that went for a moment', () => {
    const watched = new Watched()
    watched.onGone('c', watched.nowMs)
    expect(watched.told).to.deep.equal(['ping', 'lost'])
    expect(watched.wait(1_999).told).to.deep.equal([])
    expect(watched.wait(1).told).to.deep.equal(['dead'])
    const back = new Watched()
    back.onGone('c', back.nowMs)
    expect(back.hear().wait(60_000).told).to.deep.equal(['ping', 'lost', 'heard'])
  })

  it('forgets what is closed', () => {
    const watched = new Watched().use()
    watched.onClosed('c')
    expect(watched.wait(60_000).told).to.deep.equal([])
    expect(watched.nextTimeoutMs()).to.equal(undefined)
  })
})
