import { expect } from 'chai'
import { explainFailure, KernelWorld, PartFailedError, runParts, runWindowed, SimulationFailure } from '../../src/index.ts'
import { createModel as createKernel } from './models/rumour-kernel.ts'
import { createToyWorld } from './models/toy-world.ts'
import type { WindowedResult } from '../../src/index.ts'
import type { RumourOptions } from './models/rumour-kernel.ts'
import type { SumOptions } from './models/sum-part.ts'
import type { ToyOptions } from './models/toy-world.ts'

const kernelModule = new URL('./models/rumour-kernel.ts', import.meta.url)
const worldModule = new URL('./models/toy-world.ts', import.meta.url)
const partModule = new URL('./models/sum-part.ts', import.meta.url)

async function rejection (promise: Promise<unknown>): Promise<Error> {
  return await promise.then(() => { throw new Error('It did not fail') }, error => error as Error)
}

describe('events in windows on several threads', function () {
  this.timeout(60_000)

  it('are the same for 1, 2 and 3 threads as without any: a kernel', async () => {
    const options: RumourOptions = { entities: 1000, hops: 12 }
    for (const seed of [1, 2, 3]) {
      const world = new KernelWorld(createKernel({ seed, options, shared: {}, thread: {} }))
      world.runBefore(Infinity)
      const results: WindowedResult[] = []
      const heard: string[] = []
      for (const workers of [1, 2, 3]) {
        const shared = { heard: new SharedArrayBuffer(4 * options.entities) }
        // mailboxes that are too small, so that they are emptied in pieces
        results.push(await runWindowed({ module: kernelModule, workers, seed, options, shared, until: 1e6, mailboxBytes: 1024 }))
        heard.push(new Uint32Array(shared.heard).join())
      }
      expect(world.events).to.be.above(15_000)
      for (const [i, result] of results.entries()) {
        expect(result.hash).to.equal(world.log?.hash())
        expect(result.events).to.equal(world.events)
        expect(result.totals).to.deep.equal({ total: world.events })
        expect(heard[i]).to.equal(heard[0])
      }
    }
  })

  it('end where they are told to', async () => {
    const options: RumourOptions = { entities: 200, hops: 12 }
    const world = new KernelWorld(createKernel({ seed: 1, options, shared: {}, thread: {} }))
    world.runBefore(103)
    for (const workers of [1, 2]) {
      const result = await runWindowed({ module: kernelModule, workers, seed: 1, options, until: 103 })
      expect([result.hash, result.events]).to.deep.equal([world.log?.hash(), world.events])
    }
  })

  for (const delivery of ['datagram', 'stream'] as const) {
    it(`are the same for 1, 2 and 3 threads as without any: machines, by ${delivery}`, async () => {
      const options: ToyOptions = { nodes: 200, delivery }
      const sim = createToyWorld(5, options, {})
      sim.run(1200)
      const results: WindowedResult[] = []
      for (const workers of [1, 2, 3]) {
        results.push(await runWindowed({ module: worldModule, workers, seed: 5, options, until: 1200, mailboxBytes: 1024 }))
      }
      expect(sim.world.delivered).to.be.above(1000)
      for (const result of results) {
        expect(result.hash).to.equal(sim.world.log.hash())
        expect(result.totals).to.deep.equal({ sent: sim.world.sent, delivered: sim.world.delivered })
        expect(result.results).to.deep.equal(sim.world.nodes.map(({ host }) => host?.machine.heard ?? []))
      }
      const other = await runWindowed({ module: worldModule, workers: 2, seed: 6, options, until: 1200 })
      expect(other.hash).not.to.equal(sim.world.log.hash())
    })
  }

  it('fail with what was thrown on a thread, and leave none behind', async () => {
    const options: RumourOptions = { entities: 1000, hops: 12 }
    for (const workers of [1, 3]) {
      const error = await rejection(runWindowed({ module: kernelModule, name: 'createBroken', workers, seed: 1, options, until: 1e6 }))
      expect(error.message).to.equal('entity 70 has had enough')
      expect(error.stack).to.include('rumour-kernel')
    }
    const hasty = await rejection(runWindowed({ module: kernelModule, name: 'createHasty', workers: 1, seed: 1, options: { entities: 2, hops: 3 }, until: 1e6 }))
    expect(hasty.message).to.include('lookahead')
    const foreign = await rejection(runWindowed({ module: kernelModule, name: 'createMeddling', workers: 2, seed: 1, options, until: 1e6 }))
    expect(foreign.message).to.include('cannot cause an event')
    const world: ToyOptions = { nodes: 100, delivery: 'datagram' }
    const meddling = await rejection(runWindowed({ module: worldModule, name: 'createMeddling', workers: 1, seed: 1, options: world, until: 1000 }))
    expect(meddling.message).to.include('can act only within what happens to it')
    const missing = await rejection(runWindowed({ module: kernelModule, name: 'createNothing', workers: 2, seed: 1, options, until: 1e6 }))
    expect(missing.message).to.include('createNothing')
    const full = await rejection(runWindowed({ module: kernelModule, workers: 2, seed: 1, options, until: 1e6, maxOutboxBytes: 4100 }))
    expect(full.name).to.equal('MailboxFullError')
  })

  it('stop when they are told to', async () => {
    const controller = new AbortController()
    const options: RumourOptions = { entities: 5000, hops: 10_000 }
    const run = runWindowed({ module: kernelModule, workers: 2, seed: 1, options, until: 5000, signal: controller.signal, progress: () => { controller.abort() } })
    expect((await rejection(run)).name).to.equal('AbortError')
  })
})

describe('a pool of parts', function () {
  this.timeout(60_000)

  it('gives the same for any number of threads, in the order of the parts', async () => {
    const options: SumOptions = { count: 200_000 }
    const runs: unknown[] = []
    for (const workers of [1, 2, 3]) {
      const sums = new SharedArrayBuffer(8 * 7)
      const shares: number[] = []
      const results = await runParts<SumOptions, { part: number, sum: number }>({
        module: partModule, parts: 7, workers, seed: 9, options, shared: { sums }, progress: share => { shares.push(share) }
      })
      expect(results.map(({ part }) => part)).to.deep.equal([0, 1, 2, 3, 4, 5, 6])
      expect([...new Float64Array(sums)]).to.deep.equal(results.map(({ sum }) => sum))
      expect(shares.length).to.be.above(7)
      expect(shares.at(-1)).to.be.closeTo(1, 1e-9)
      runs.push(results)
    }
    expect(runs[1]).to.deep.equal(runs[0])
    expect(runs[2]).to.deep.equal(runs[0])
  })

  it('says which part failed; told with all that is needed to run it again', async () => {
    const options: SumOptions = { count: 1000, failsAt: 4 }
    const run = async (): Promise<unknown> => await runParts({ module: partModule, parts: 7, workers: 2, seed: 9, options })
    const error = await rejection(run())
    expect(error).to.be.instanceOf(PartFailedError).with.property('part', 4)
    expect(error.message).to.include('cannot add in part 4')
    const told = await rejection(explainFailure({ name: 'sums', seed: 9, options: { ...options }, version: '1.2.3', replay: 'skein simulate sums --seed 9' }, run))
    expect(told).to.be.instanceOf(SimulationFailure)
    for (const word of ['sums failed', 'part 4', 'seed 9', '1.2.3', '"failsAt":4', 'skein simulate sums --seed 9']) {
      expect(told.message).to.include(word)
    }
    expect(told.cause).to.be.instanceOf(PartFailedError)
  })

  it('stops when it is told to', async () => {
    const controller = new AbortController()
    const options: SumOptions = { count: 1000, forever: true }
    const run = runParts({ module: partModule, parts: 7, workers: 2, seed: 9, options, signal: controller.signal, progress: () => { controller.abort() } })
    expect((await rejection(run)).name).to.equal('AbortError')
    expect((await rejection(runParts({ module: partModule, parts: 7, workers: 2, seed: 9, options, signal: controller.signal }))).name).to.equal('AbortError')
  })
})
