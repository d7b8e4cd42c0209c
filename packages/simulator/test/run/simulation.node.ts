import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { readGrid } from '../../src/index.ts'
import {
  ForeignFolderError, loadScenario, makePlan, MemoryError, mergeShards, OutputExistsError, planJobs, readReplay, repeatRun, ReplayFileError, replayFailure,
  sameFailure, ScenarioFileError, ShardDoubleError, ShardFolderError, ShardIncompleteError, ShardMismatchError, ShardMissingError, simulate,
  UnknownScenarioError, VERSION
} from '../../src/run/index.ts'
import type { GridRequest } from '../../src/index.ts'
import type { Failure, Plan, ScenarioFile, SimulationInit, SimulationOutcome } from '../../src/run/index.ts'

const SCENARIOS = new URL('scenarios/', import.meta.url)
const COMPARED = ['results.jsonl', 'curves.jsonl', 'results.csv', 'summary.json', 'report.html']

describe('a simulation over threads', function () {
  this.timeout(60_000)
  let folder: string
  let file: ScenarioFile

  before(async () => { file = await loadScenario('coin', SCENARIOS) })
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'skein-run-')) })
  afterEach(() => { rmSync(folder, { recursive: true, force: true }) })

  function planOf (request: GridRequest, runs: number, seed = 1): Plan {
    return makePlan(file, readGrid(file.scenario, { small: true, ...request }), { version: VERSION, seed, runs })
  }

  async function run (name: string, plan: Plan, init: Partial<SimulationInit> = {}): Promise<SimulationOutcome> {
    return await simulate({ file, plan, out: join(folder, name), workers: 2, signal: new AbortController().signal, ...init })
  }

  function read (name: string, part: string): string {
    return readFileSync(join(folder, name, part), 'utf8')
  }

  function expectSame (a: string, b: string): void {
    for (const part of COMPARED) {
      expect(read(a, part), part).to.equal(read(b, part))
    }
  }

  it('gives the same bytes with 1, 2 and 3 workers, also where runs fail', async () => {
    const plan = planOf({ sweep: { coins: ['10', '3000'], mode: ['well', 'throw'] } }, 5)
    for (const workers of [1, 2, 3]) {
      await run(`w${workers}`, plan, { workers })
    }
    expectSame('w1', 'w2')
    expectSame('w1', 'w3')
    const manifests = ['w1', 'w2', 'w3'].map(name => ({ ...JSON.parse(read(name, 'manifest.json')), durationMs: 0, machine: 0 }))
    expect(manifests[1]).to.deep.equal(manifests[0])
    expect(manifests[2]).to.deep.equal(manifests[0])
    expect(read('w1', 'results.jsonl').trim().split('\n').map(line => JSON.parse(line).job)).to.deep.equal([...planJobs(plan).keys()])
  })

  it('writes the tables of the first run at each point, and no others', async () => {
    await run('out', planOf({ sweep: { coins: ['10', '20'] } }, 3))
    const withTables = read('out', 'results.jsonl').trim().split('\n').map(line => JSON.parse(line)).filter(row => row.tables !== undefined)
    expect(withTables.map(({ run }) => run)).to.deep.equal([0, 0])
    const summary = JSON.parse(read('out', 'summary.json'))
    expect(summary.points.map((point: { tables: unknown[] }) => point.tables.length)).to.deep.equal([1, 1])
    expect(read('out', 'report.html')).to.include('sides of &lt;a coin&gt;: coins 10, of the first run')
  })

  it('writes every expanded option, the seeds and the machine', async () => {
    const plan = planOf({ set: { bias: '0.25' } }, 3)
    await run('out', plan)
    const manifest = JSON.parse(read('out', 'manifest.json'))
    expect(manifest).to.deep.include({ version: VERSION, options: { coins: 100, bias: 0.25, mode: 'well', fair: true }, seed: 1, runs: 3, complete: true, done: 3 })
    expect(manifest.seeds).to.have.length(3)
    expect(manifest.scenario.sha256).to.match(/^[0-9a-f]{64}$/)
    expect(manifest.machine).to.include({ node: process.version, workers: 2 })
    expect(manifest.durationMs).to.be.at.least(0)
  })

  it('merges shards into the same bytes as one machine gives', async () => {
    const plan = planOf({ sweep: { coins: ['10', '20', '3000'], mode: ['well', 'refute', 'throw'] } }, 3)
    await run('one', plan)
    for (const index of [0, 1, 2, 3]) {
      await run(`s${index}`, plan, { shard: { index, of: 4 }, workers: 1 + index % 2 })
    }
    const { manifest } = await mergeShards({ folders: [2, 0, 3, 1].map(index => join(folder, `s${index}`)), out: join(folder, 'merged') })
    expectSame('merged', 'one')
    const one = JSON.parse(read('one', 'manifest.json'))
    expect({ ...manifest, durationMs: 0, machine: 0 }).to.deep.equal({ ...one, durationMs: 0, machine: 0 })
    expect(manifest.machine).to.have.length(4)
  })

  it('merges more shards than there are runs', async () => {
    const plan = planOf({}, 2)
    await run('one', plan)
    for (const index of [0, 1, 2]) {
      await run(`s${index}`, plan, { shard: { index, of: 3 } })
    }
    await mergeShards({ folders: [0, 1, 2].map(index => join(folder, `s${index}`)), out: join(folder, 'merged') })
    expectSame('merged', 'one')
  })

  it('refuses shards that are missing, double, incomplete, or of another simulation', async () => {
    const plan = planOf({}, 4)
    const shard = async (name: string, index: number, of: number, plan: Plan): Promise<string> => {
      await run(name, plan, { shard: { index, of } })
      return join(folder, name)
    }
    const s0 = await shard('s0', 0, 3, plan)
    const s2 = await shard('s2', 2, 3, plan)
    const again = await shard('again', 2, 3, plan)
    const merge = async (folders: string[]): Promise<unknown> => await mergeShards({ folders, out: join(folder, 'merged') }).catch((error: unknown) => error)

    expect(await merge([s0, s2])).to.be.instanceOf(ShardMissingError).with.deep.property('missing', [1])
    expect(await merge([s0, s2, again])).to.be.instanceOf(ShardDoubleError).with.property('index', 2)
    expect(await merge([folder])).to.be.instanceOf(ShardFolderError)
    const others: Array<[name: string, plan: Plan, field: string]> = [
      ['bias', planOf({ set: { bias: '0.4' } }, 4), 'the options'],
      ['runs', planOf({}, 5), 'the number of runs'],
      ['seed', planOf({}, 4, 2), 'the seed'],
      ['version', { ...plan, version: '9' }, 'the version'],
      ['file', { ...plan, scenario: { ...plan.scenario, sha256: '0' } }, 'the hash of the scenario file']
    ]
    for (const [name, other, field] of others) {
      expect(await merge([s0, await shard(name, 1, 3, other), s2]), name).to.be.instanceOf(ShardMismatchError).with.property('field', field)
    }
    expect(await merge([s0, await shard('of', 1, 4, plan), s2])).to.be.instanceOf(ShardMismatchError).with.property('field', 'the number of shards')

    const s1 = await shard('s1', 1, 3, plan)
    writeFileSync(join(s1, 'manifest.json'), JSON.stringify({ ...JSON.parse(read('s1', 'manifest.json')), complete: false, done: 0 }))
    expect(await merge([s0, s1, s2])).to.be.instanceOf(ShardIncompleteError)
    expect(existsSync(join(folder, 'merged')), 'nothing is written').to.equal(false)
  })

  it('stops at once when it is told to, and writes what is done, marked as incomplete', async () => {
    const stop = new AbortController()
    // the first point ends, the second never does
    const outcome = await run('out', planOf({ sweep: { mode: ['well', 'hang'] } }, 2), {
      signal: stop.signal,
      onRun: ({ job }) => { if (job === 1) { stop.abort() } }
    })
    expect(outcome).to.include({ jobs: 4, done: 2, errors: 0 })
    expect(outcome.summary?.complete).to.equal(false)
    expect(JSON.parse(read('out', 'manifest.json'))).to.include({ complete: false, done: 2, jobs: 4 })
    expect(read('out', 'results.jsonl').trim().split('\n')).to.have.length(2)
    expect(read('out', 'report.html')).to.include('Incomplete:').and.include('stopped after 2 of 4 runs')
  })

  for (const [mode, name] of [['throw', 'RangeError'], ['die', 'Error'], ['undeclared', 'ScenarioMistakeError']] as const) {
    it(`goes on after a run that fails (${mode}), and can repeat it exactly`, async () => {
      const failures: Array<{ failure: Failure, path: string | undefined }> = []
      const plan = planOf({ set: { mode } }, 8)
      const outcome = await run('out', plan, { onFailure: (failure, path) => { failures.push({ failure, path }) } })
      const odd = plan.seeds.filter(seed => seed % 2 === 1)
      expect(odd.length).to.be.within(1, 7)
      expect(outcome).to.include({ done: 8, errors: odd.length })
      expect(failures.map(({ failure }) => failure.seed)).to.deep.equal(odd)
      const { failure, path } = failures[0]!
      expect(failure).to.deep.include({ kind: 'error', version: VERSION, options: plan.options })
      expect(failure.error?.name).to.equal(name)

      const read = readReplay(path!)
      expect(read.type).to.equal('failure')
      const { plan: replayed, job } = replayFailure(file, (read as { failure: Failure }).failure, VERSION)
      const again = await repeatRun(file, replayed, job, { workers: 2, signal: new AbortController().signal })
      expect(sameFailure(again.failure!, failure)).to.equal(true)
    })
  }

  it('counts a claim that does not hold as a failure of its run, with its metrics kept', async () => {
    const failures: Failure[] = []
    const plan = planOf({ set: { mode: 'refute' } }, 8)
    const outcome = await run('out', plan, { onFailure: failure => { failures.push(failure) } })
    expect(outcome.errors).to.equal(0)
    expect(outcome.refuted).to.equal(failures.length).and.at.least(1)
    expect(failures[0]).to.deep.include({ kind: 'check', checks: [{ claim: 'nothing odd', holds: false, found: `seed ${failures[0]!.seed}` }] })
    expect(outcome.summary?.points[0]?.metrics.heads?.runs).to.equal(8)
  })

  it('writes ten failures at most, and gives up after a hundred errors', async () => {
    const outcome = await run('out', planOf({ set: { mode: 'throw', coins: '1' } }, 2_000))
    expect(readdirSync(join(folder, 'out')).filter(name => name.startsWith('failure-'))).to.have.length(10)
    // what was under way, or waited for an earlier run to end, is counted too
    expect(outcome.errors).to.be.within(100, 400)
    expect(outcome.done).to.be.below(1_000)
  })

  it('says before it starts that the memory will not do, unless it is forced', async () => {
    const plan = planOf({ set: { coins: '1K' } }, 2)
    const error: unknown = await run('out', plan, { availableBytes: 999_999 }).catch((error: unknown) => error)
    expect(error).to.be.instanceOf(MemoryError).with.property('neededBytes', 1e6)
    expect(existsSync(join(folder, 'out'))).to.equal(false)
    expect((await run('out', plan, { availableBytes: 999_999, forceMemory: true })).done).to.equal(2)
  })

  it('runs fewer at a time where not all fit, and gives spare threads to the runs', async () => {
    const started: unknown[] = []
    const onStart: SimulationInit['onStart'] = ({ concurrent, workersPerRun }) => { started.push([concurrent, workersPerRun]) }
    await run('a', planOf({ set: { coins: '1K' } }, 4), { availableBytes: 1.5e6, workers: 3, onStart })
    await run('b', planOf({}, 1), { workers: 3, onStart })
    expect(started).to.deep.equal([[1, 3], [1, 3]])
  })

  it('replaces its own results when it is forced, and nobody else\'s files ever', async () => {
    const plan = planOf({}, 1)
    await run('out', plan)
    expect(await run('out', plan).catch((error: unknown) => error)).to.be.instanceOf(OutputExistsError)
    await run('out', planOf({}, 2), { force: true })
    expect(JSON.parse(read('out', 'manifest.json')).runs).to.equal(2)
    writeFileSync(join(folder, 'out', 'thesis.tex'), '')
    expect(await run('out', plan, { force: true }).catch((error: unknown) => error)).to.be.instanceOf(ForeignFolderError)
    expect(existsSync(join(folder, 'out', 'results.csv'))).to.equal(true)
  })

  it('tells how far it is', async () => {
    const told: number[] = []
    await run('out', planOf({}, 3), { onProgress: done => { told.push(done) } })
    expect(told.at(-1)).to.equal(3)
  })

  it('refuses files that are no scenarios, and names that are none', async () => {
    const write = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text)
      return join(folder, name)
    }
    const load = async (source: string): Promise<unknown> => await loadScenario(source, SCENARIOS).catch((error: unknown) => error)
    expect(await load('con')).to.be.instanceOf(UnknownScenarioError).with.property('nearest', 'coin')
    expect(await load('./nowhere.ts')).to.be.instanceOf(ScenarioFileError).with.property('message').that.includes('does not exist')
    expect(await load(write('empty.mjs', ''))).to.be.instanceOf(ScenarioFileError).with.property('message').that.includes('export default defineScenario')
    expect(await load(write('broken.mjs', 'export default {'))).to.be.instanceOf(ScenarioFileError).with.property('message').that.includes('does not load')
    expect(await load(write('half.mjs', 'export default { name: "x", run () {} }'))).to.be.instanceOf(ScenarioFileError)
      .with.property('message').that.includes('without claims, expected, options, metrics, small')
    expect(() => readReplay(write('x.json', '{}'))).to.throw(ReplayFileError)
  })
})
