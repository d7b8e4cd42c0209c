/** Who coordinates, in a small world of seats with loss, deaths and views that differ. */
import { randomFloat, SeededRandom } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { CoordinatorSeat } from '../src/coordinator-seat.ts'
import { rendezvousOrder, seatEpoch } from '../src/rendezvous.ts'
import type { Lease } from '../src/coordinator-seat.ts'

const SCOPE = 'eu-west/all/01'
const START_MS = Date.UTC(2026, 0, 1)

class SeatWorld {
  readonly peers: string[]
  readonly seats = new Map<string, CoordinatorSeat>()
  nowMs = START_MS
  announcements = 0
  steps = 0
  private readonly random: SeededRandom
  private readonly lossRate: number

  constructor (count: number, seed: number, lossRate = 0, knows: (random: SeededRandom) => boolean = () => true) {
    this.random = new SeededRandom(seed)
    this.lossRate = lossRate
    this.peers = Array.from({ length: count }, (_, i) => `peer-${seed}-${i}`)
    for (const self of this.peers) {
      this.seats.set(self, new CoordinatorSeat({ self, scope: SCOPE }))
    }
    for (const [self, seat] of this.seats) {
      seat.onMembers(this.peers.filter(peer => peer === self || knows(this.random)).map(peer => ({ peer, weight: 1 })), this.nowMs)
    }
    this.drain()
  }

  run (ms: number): void {
    const endMs = this.nowMs + ms
    for (;;) {
      const next = Math.min(...[...this.seats.values()].map(seat => seat.nextTimeoutMs() ?? Infinity))
      if (next > endMs) {
        break
      }
      expect(this.steps++).to.be.below(200_000)
      this.nowMs = Math.max(this.nowMs, next)
      for (const seat of this.seats.values()) {
        if ((seat.nextTimeoutMs() ?? Infinity) <= this.nowMs) {
          seat.onTimeout(this.nowMs)
          this.drain()
        }
      }
    }
    this.nowMs = endMs
  }

  holders (): string[] {
    return [...this.seats].filter(([, seat]) => seat.lease !== undefined).map(([peer]) => peer)
  }

  kill (...peers: string[]): void {
    for (const peer of peers) {
      this.seats.delete(peer)
    }
  }

  line (): string[] {
    return rendezvousOrder(this.peers.map(peer => ({ peer, weight: 1 })), SCOPE, seatEpoch(this.nowMs)).map(({ peer }) => peer)
  }

  drain (): void {
    for (let busy = true; busy;) {
      busy = false
      for (const [peer, seat] of this.seats) {
        for (let effect = seat.poll(); effect !== undefined; effect = seat.poll()) {
          busy = true
          if (effect.type === 'announce') {
            this.announcements++
            this.tell(effect.lease, undefined, [...this.seats.keys()].filter(other => other !== peer))
          } else if (effect.type === 'heartbeat') {
            this.tell(effect.lease, effect.more, effect.to)
          } else if (effect.type === 'step_down') {
            for (const other of this.seats.values()) {
              other.onStepDown(peer, this.nowMs)
            }
          }
        }
      }
    }
  }

  private tell (lease: Lease, more: boolean | undefined, to: string[]): void {
    for (const peer of to) {
      if (randomFloat(this.random) >= this.lossRate) {
        this.seats.get(peer)?.onLease(lease, more, this.nowMs)
      }
    }
  }
}

describe('CoordinatorSeat', () => {
  it('goes to the first in line at once, and to nobody else', () => {
    const world = new SeatWorld(20, 1)
    expect(world.holders()).to.deep.equal([world.line()[0]])
    world.run(60_000)
    expect(world.holders()).to.deep.equal([world.line()[0]])
    expect([...new Set([...world.seats.values()].map(seat => seat.coordinator))]).to.deep.equal(world.holders())
    expect(world.announcements).to.equal(1)
  })

  it('is renewed at half the lease, for as long as its holder lives', () => {
    const world = new SeatWorld(10, 2)
    world.run(60 * 60_000)
    expect(world.announcements).to.equal(13)
    expect(world.holders()).to.deep.equal([world.line()[0]])
  })

  it('has another holder within 60 s of the death of its holder and up to seven of those next in line, under a fifth of loss', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1, max: 7 }), fc.nat(600), (seed, deaths, afterS) => {
      const world = new SeatWorld(24, seed, 0.2)
      world.run(600_000 + afterS * 1000)
      const holders = world.holders()
      expect(holders.length).to.be.within(1, 4)
      world.kill(...holders, ...world.line().filter(peer => !holders.includes(peer)).slice(0, deaths - 1))
      world.run(60_000)
      expect(world.holders().length).to.be.at.least(1)
      world.run(11 * 60_000) // an announcement that was lost is repeated at the next renewal
      expect(world.holders().length).to.be.within(1, 4) // more than one now and then, where messages between them were lost
    }), { numRuns: 100 })
  })

  it('is given back at once by who leaves', () => {
    const world = new SeatWorld(10, 3)
    const [first, second] = world.line()
    world.seats.get(first as string)?.onLeave(world.nowMs)
    world.drain()
    world.run(2000)
    expect(world.holders()).to.deep.equal([second])
  })

  it('has few holders when each peer misses up to a third of the others, and they do not take turns', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 1e6 }), fc.double({ min: 0.7, max: 1, noNaN: true }), (seed, knows) => {
      const world = new SeatWorld(24, seed, 0, random => randomFloat(random) < knows)
      world.run(20 * 60_000)
      const holders = world.holders()
      expect(holders.length).to.be.within(1, 6)
      const announcements = world.announcements
      world.run(20 * 60_000)
      // four renewals each, and a change here and there
      expect(world.announcements - announcements).to.be.at.most(6 * (holders.length + 2))
    }), { numRuns: 8 })
  })

  it('is never vacant while its holder lives, though some who come before it in line are dead and still thought to be members', () => {
    const world = new SeatWorld(10, 7)
    const line = world.line()
    world.kill(line[0] as string, line[1] as string)
    world.run(60_000)
    for (let step = 0; step < 200; step++) {
      world.run(5000)
      expect(world.holders()).to.deep.equal([line[2]])
    }
  })

  it('passes to a newcomer that comes first by far, after a lease has passed', () => {
    const world = new SeatWorld(10, 8)
    const [holder] = world.holders()
    const newcomer = new CoordinatorSeat({ self: 'new', scope: SCOPE })
    const members = [...world.peers.map(peer => ({ peer, weight: 1 })), { peer: 'new', weight: 1000 }]
    newcomer.onMembers(members.slice(0, -1), world.nowMs)
    newcomer.onLease(world.seats.get(holder as string)?.lease as Lease, undefined, world.nowMs)
    world.seats.set('new', newcomer)
    world.seats.forEach(seat => { seat.onMembers(members, world.nowMs) })
    world.drain()
    world.run(9 * 60_000)
    expect(world.holders()).to.deep.equal([holder])
    world.run(2 * 60_000)
    expect(world.holders()).to.deep.equal(['new'])
  })

  it('goes back to one holder when two parts that could not hear each other can', () => {
    const world = new SeatWorld(12, 5)
    const late = new CoordinatorSeat({ self: 'late', scope: SCOPE })
    late.onMembers([...world.peers, 'late'].map(peer => ({ peer, weight: peer === 'late' ? 0.001 : 1 })), world.nowMs)
    for (const peer of world.peers) {
      late.onUnreachable(peer, world.nowMs)
    }
    expect(late.poll()).to.include({ type: 'announce' })
    const lease = late.lease as Lease
    for (const seat of world.seats.values()) {
      seat.onMembers([...world.peers, 'late'].map(peer => ({ peer, weight: peer === 'late' ? 0.001 : 1 })), world.nowMs)
    }
    world.seats.set('late', late)
    world.seats.get(world.line()[0] as string)?.onLease(lease, undefined, world.nowMs)
    world.drain()
    expect(world.holders()).to.deep.equal([world.line()[0]])
    expect(late.coordinator).to.equal(world.line()[0])
  })

  it('does not believe who is no candidate, claims too long a lease, or plays an old one again', () => {
    const seat = new CoordinatorSeat({ self: 'a', scope: SCOPE })
    seat.onMembers([{ peer: 'b', weight: 1 }], START_MS)
    const lease = { holder: 'b', term: 1, expiresAtMs: START_MS + 600_000 }
    expect(seat.onLease({ ...lease, holder: 'x' }, undefined, START_MS)).to.equal(false)
    expect(seat.onLease({ ...lease, expiresAtMs: START_MS + 661_000 }, undefined, START_MS)).to.equal(false)
    expect(seat.onLease({ ...lease, expiresAtMs: START_MS }, undefined, START_MS)).to.equal(false)
    expect(seat.onLease({ ...lease, term: Infinity }, undefined, START_MS)).to.equal(false)
    expect(seat.onLease(lease, undefined, START_MS)).to.equal(true)
    expect(seat.onLease({ ...lease, expiresAtMs: START_MS + 500_000 }, undefined, START_MS)).to.equal(false)
    expect(seat.coordinator).to.equal('b')
  })

  it('is not kept from the first in line by one that goes on renewing out of turn', () => {
    const peers = ['a', 'b', 'c', 'd'].map(peer => ({ peer, weight: 1 }))
    const order = rendezvousOrder(peers, SCOPE, seatEpoch(START_MS)).map(({ peer }) => peer)
    const [self, squatter] = [order[0] as string, order[3] as string]
    const seat = new CoordinatorSeat({ self, scope: SCOPE })
    seat.onMembers(peers.filter(({ peer }) => peer !== self), START_MS)
    for (let minute = 0; minute <= 12; minute++) {
      const nowMs = START_MS + minute * 60_000
      expect(seat.onLease({ holder: squatter, term: 1, expiresAtMs: nowMs + 600_000 }, undefined, nowMs)).to.equal(true)
      if (minute === 0) {
        seat.onMembers(peers, nowMs)
      }
      seat.onTimeout(nowMs)
      expect(seat.coordinator).to.equal(minute < 10 ? squatter : self)
    }
  })
})

describe('rendezvousOrder', () => {
  it('gives seats by weight, and moves only those of who left', () => {
    const peers = Array.from({ length: 40 }, (_, i) => ({ peer: `p${i}`, weight: i < 20 ? 1 : 3 }))
    const firsts = Array.from({ length: 2000 }, (_, i) => rendezvousOrder(peers, `r/z${i}/`, 'day')[0]?.peer as string)
    const heavy = firsts.filter(peer => Number(peer.slice(1)) >= 20).length
    expect(heavy / 2000).to.be.within(0.71, 0.79)
    const gone = firsts[0] as string
    const without = Array.from({ length: 200 }, (_, i) => rendezvousOrder(peers.filter(({ peer }) => peer !== gone), `r/z${i}/`, 'day')[0]?.peer)
    without.forEach((peer, i) => { expect(peer === firsts[i] || firsts[i] === gone).to.equal(true) })
  })
})
