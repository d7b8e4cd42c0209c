/** Boards of a region's electors in a simulated network: how nearly they agree, how soon a dead holder is replaced, and what liars gain. */
import { expect } from 'chai'
import { randomBelow, SeededRandom } from '@skein/core'
import { ElectorWorld, networkAt, START_MS } from './elector-world.ts'
import type { Volunteer, VolunteerInit } from './elector-world.ts'

const SEED = Number(process.env.SEED ?? 1)
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
/** Trust that takes three days takes 90 minutes here; nothing else is shorter than in the world. */
const RULES = { risePerDay: 5 }

/** 40 systems, the first with a sixth of all. */
function honest (count: number): VolunteerInit[] {
  const random = new SeededRandom(SEED)
  return Array.from({ length: count }, (_, i) => ({
    network: networkAt(i, i % 6 === 0 ? 1 : 2 + i % 39), bytesPerSecond: 3_000_000 + randomBelow(random, 20_000_000)
  }))
}

function seatsOf ({ board }: Volunteer): string[] {
  return board.current?.elected.map(({ peer }) => peer) ?? []
}

/** The mean share of seats that two of them name alike. */
function agreement (volunteers: Volunteer[]): number {
  const seats = volunteers.map(volunteer => new Set(seatsOf(volunteer)))
  let sum = 0
  let pairs = 0
  for (const [i, one] of seats.entries()) {
    for (const other of seats.slice(i + 1)) {
      sum += one.intersection(other).size / Math.max(one.size, other.size)
      pairs++
    }
  }
  return sum / pairs
}

describe(`60 volunteers of a region of 600 peers, seed ${SEED}`, function () {
  this.timeout(600_000)

  it('name nearly the same seats, though each loses one message in twenty, and replace a holder that dies within a minute', () => {
    const world = new ElectorWorld({ seed: SEED, loss: 0.05, volunteers: honest(60), peersOfRegion: 600, rules: RULES })
    world.run(START_MS + 4 * HOUR_MS + 30_000)
    const shares: number[] = []
    for (let minute = 0; minute < 60; minute += 10) {
      world.run(START_MS + 4 * HOUR_MS + minute * MINUTE_MS + 30_000)
      shares.push(agreement(world.up()))
    }
    console.log(`    seats ${seatsOf(world.volunteers[0] as Volunteer).length}, agreement ${shares.map(share => `${(100 * share).toFixed(1)} %`).join(', ')}`)
    const seconds: number[] = []
    for (let death = 0; death < 5; death++) {
      const [holder] = seatsOf(world.up()[0] as Volunteer) as [string]
      world.kill(holder)
      const diedMs = world.nowMs
      while (world.up().some(({ board }) => board.current?.has(holder) === true) && world.nowMs < diedMs + HOUR_MS) {
        world.run(world.nowMs + 1_000)
      }
      seconds.push((world.nowMs - diedMs) / 1000)
      const named = new Set(world.up().flatMap(seatsOf))
      const seated = world.up().filter(({ peer, term }) => named.has(peer) && term.state === 'holding').length
      console.log(`    ${holder} is nobody's choice after ${seconds.at(-1)} s; ${seated} hold leases`)
      world.run(world.nowMs + 5 * MINUTE_MS)
    }
    expect(Math.min(...shares)).to.be.above(0.92)
    expect(Math.max(...seconds)).to.be.below(90)
  })
})
