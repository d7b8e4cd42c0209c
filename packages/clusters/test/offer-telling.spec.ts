/** When providers tell their offers: each alone within its bounds, and all of a topic together within what it may carry. */
import { randomFloat, SeededRandom } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { HeardRate } from '../src/overlays/heard-rate.ts'
import { OfferTelling } from '../src/overlays/offer-telling.ts'
import { overlayRules } from '../src/overlays/overlay-options.ts'
import { loadChange } from '../src/overlays/own-load.ts'

const rules = overlayRules()
const load = (queueDepth: number, maxConcurrent = 8): { queueDepth: number, maxConcurrent: number } => ({ queueDepth, maxConcurrent })

function telling (seed = 1): { telling: OfferTelling, heard: HeardRate } {
  const heard = new HeardRate(2, 0)
  return { telling: new OfferTelling({ rules, random: new SeededRandom(seed), heard, load: load(0) }, 0), heard }
}

/** Lets time pass until then; the times at which it told. */
function run (one: OfferTelling, fromMs: number, untilMs: number): number[] {
  const told: number[] = []
  for (let nowMs = fromMs; (nowMs = Math.max(nowMs, one.nextMs)) <= untilMs;) {
    if (one.onTimeout(nowMs)) {
      told.push(nowMs)
    }
    expect(one.nextMs, 'a time-out that is always due').to.be.above(nowMs)
  }
  return told
}

describe('a change of load', () => {
  const cases: Array<[told: [number, number], now: [number, number], change: string | undefined]> = [
    [[0, 8], [1, 8], undefined],
    [[0, 8], [2, 8], 'other'],
    [[7, 8], [8, 8], 'full'],
    [[7, 8], [20, 8], 'full'],
    [[8, 8], [20, 8], undefined],
    [[8, 8], [7, 8], 'other'],
    [[0, 1], [1, 1], 'full'],
    [[1, 1], [0, 1], 'other'],
    [[0, 8], [0, 4], 'other'],
    [[3, 3], [3, 3], undefined]
  ]
  for (const [told, now, change] of cases) {
    it(`from ${told.join(' of ')} to ${now.join(' of ')} is ${change ?? 'not worth telling'}`, () => {
      expect(loadChange(load(...told), load(...now))).to.equal(change)
    })
  }
})

describe('a provider', () => {
  it('tells at once that it is reached elsewhere, after its spacing, and once', () => {
    const { telling: one } = telling()
    const [firstMs] = run(one, 0, 60_000) as [number]
    one.onOutdated(firstMs + 1)
    expect(run(one, firstMs + 1, firstMs + rules.spacingMs + 1)).to.deep.equal([firstMs + rules.spacingMs])
    one.onLoad(load(0), firstMs + rules.spacingMs + 2)
    expect(run(one, firstMs + rules.spacingMs + 2, firstMs + 2 * rules.spacingMs)).to.deep.equal([])
  })

  it('listens first, then repeats its offer once a minute while there is room', () => {
    const told = run(telling().telling, 0, 600_000)
    expect(told[0]).to.be.within(10_000, 20_000)
    told.slice(1).forEach((atMs, i) => { expect(atMs - (told[i] as number)).to.be.within(30_000, 60_000) })
  })

  it('tells at once that it is full, and that it has room again five seconds later', () => {
    const { telling: one } = telling()
    const [first] = run(one, 0, 20_000) as [number]
    const nowMs = first + 8_000
    one.onLoad(load(8), nowMs)
    expect(run(one, nowMs, nowMs + 100)).to.deep.equal([nowMs])
    one.onLoad(load(7), nowMs + 1_000)
    expect(run(one, nowMs + 1_000, nowMs + 6_000)).to.deep.equal([nowMs + 5_000])
  })

  it('says nothing of a change that is over before it may be told, or of which nobody holds the offer', () => {
    const { telling: one, heard } = telling()
    one.onLoad(load(8), 1_000)
    expect(one.nextMs, 'nothing was told yet').to.be.at.least(10_000)
    const [first] = run(one, 1_000, 20_000) as [number]
    one.onLoad(load(0), first + 1_000)
    one.onLoad(load(8), first + 2_000)
    expect(one.nextMs).to.be.above(first + 5_000)
    for (let atMs = first; atMs < first + 200_000; atMs += 500) {
      heard.onMessage(atMs) // the topic is full, so that it is not repeated
    }
    expect(run(one, first + 2_000, first + 199_000)).to.deep.equal([])
    one.onLoad(load(0), first + 199_000)
    expect(one.nextMs, 'its offer has expired').to.be.above(first + 199_000)
  })

  it('keeps five seconds between two offers whatever its load does and whatever it hears', () => {
    const step = fc.tuple(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 0, max: 8 }), fc.boolean())
    fc.assert(fc.property(fc.integer(), fc.array(step, { maxLength: 80 }), (seed, steps) => {
      const { telling: one, heard } = telling(seed)
      const told: number[] = []
      let nowMs = 0
      for (const [ms, queueDepth, hears] of steps) {
        told.push(...run(one, nowMs, nowMs + ms))
        nowMs += ms
        one.onLoad(load(queueDepth), nowMs)
        if (hears) {
          heard.onMessage(nowMs)
        }
      }
      told.slice(1).forEach((atMs, i) => { expect(atMs - (told[i] as number)).to.be.at.least(5_000) })
    }))
  })
})

describe('all providers of a topic', () => {
  /** They hear each other after some time; load changes come at random. The messages of each ten seconds. */
  function crowd (providers: number, seed: number, options: { minutes: number, delayMs: number, secondsBetweenChanges: number }): number[] {
    const random = new SeededRandom(seed)
    const all = Array.from({ length: providers }, (_, i) => telling(seed + i))
    const depths = new Uint8Array(providers)
    const ends = options.minutes * 60_000
    const counts = new Array<number>(ends / 10_000).fill(0)
    const flying: number[] = []
    const step = 50
    for (let nowMs = 0; nowMs < ends; nowMs += step) {
      while (flying[0] !== undefined && flying[0] <= nowMs) {
        const atMs = flying.shift() as number
        all.forEach(({ heard }) => { heard.onMessage(atMs) })
      }
      const changes = providers * step / 1000 / options.secondsBetweenChanges
      for (let i = randomFloat(random) < changes % 1 ? Math.ceil(changes) : Math.floor(changes); i > 0; i--) {
        const which = Math.floor(randomFloat(random) * providers)
        depths[which] = depths[which] === 8 ? 4 : 8
        all[which]?.telling.onLoad(load(depths[which] as number), nowMs)
      }
      for (const { telling: one } of all) {
        if (one.nextMs <= nowMs && one.onTimeout(nowMs)) {
          counts[Math.floor(nowMs / 10_000)]!++
          flying.push(nowMs + options.delayMs)
        }
      }
    }
    return counts
  }

  const rate = (counts: number[]): number => counts.reduce((sum, count) => sum + count, 0) / counts.length / 10

  for (const providers of [10, 40, 200, 2_000]) {
    it(`say two things a second at most between them, ${providers} that hear each other late and are full or not in turns`, function () {
      this.timeout(30_000)
      const counts = crowd(providers, 7, { minutes: 10, delayMs: 250, secondsBetweenChanges: 30 })
      expect(rate(counts)).to.be.below(2)
      // all have joined at once, and say their first within the same ten seconds; those who do before they hear each other cannot know better
      expect(Math.max(...counts.slice(0, 3))).to.be.at.most(25 + providers / 40)
      expect(Math.max(...counts.slice(3)), 'in ten seconds').to.be.at.most(30)
    })
  }

  it('repeat all their offers within their lives while they are few', () => {
    expect(rate(crowd(40, 3, { minutes: 10, delayMs: 250, secondsBetweenChanges: Infinity }))).to.be.within(40 / 60, 40 / 30)
  })
})
