import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { main } from '../src/index.ts'
import { SkeinProcess } from './skein-process.ts'
import type { SkeinEvent } from './skein-process.ts'

describe('skein simulate', function () {
  this.timeout(60_000)
  let folder: string
  const running: SkeinProcess[] = []

  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'skein-simulate-')) })
  afterEach(async () => {
    await Promise.all(running.splice(0).map(async child => { await child.dispose() }))
    rmSync(folder, { recursive: true, force: true })
  })

  function start (...args: string[]): SkeinProcess {
    const child = new SkeinProcess(['simulate', ...args])
    running.push(child)
    return child
  }

  async function simulate (...args: string[]): Promise<{ code: number | null, events: SkeinEvent[], stderr: string }> {
    const child = start(...args)
    const { code } = await child.exit()
    return { code, events: child.events, stderr: child.stderr }
  }

  /** A process takes seconds to load all that the other commands need; what is refused before anything runs is refused here as well. */
  async function inProcess (...args: string[]): Promise<{ code: number, events: SkeinEvent[], stderr: string }> {
    const [out, err] = [process.stdout.write, process.stderr.write]
    let [stdout, stderr] = ['', '']
    process.stdout.write = ((text: string) => { stdout += text; return true }) as typeof out
    process.stderr.write = ((text: string) => { stderr += text; return true }) as typeof err
    try {
      const code = await main(args)
      return { code, stderr, events: stdout.split('\n').filter(line => line !== '').map(line => JSON.parse(line) as SkeinEvent) }
    } finally {
      process.stdout.write = out
      process.stderr.write = err
    }
  }

  /** A scenario of somebody's own, and what happens in it when the seed is odd. */
  function own (odd: string): string {
    const path = join(folder, 'own.mjs')
    writeFileSync(path, `export default {
      name: 'own', claims: 'c', expected: 'e', options: { nodes: { type: 'count', default: 5, min: 1, max: 10, help: 'n' } },
      metrics: { m: { unit: 'count', help: 'm' } }, small: {},
      async run ({ options, seed, progress, record, check }) {
        console.log('a scenario may print')
        if (seed % 2 === 1) { ${odd} }
        record('m', options.nodes)
      }
    }\n`)
    return path
  }

  it('lists what ships with Skein, and shows the options of one', async () => {
    const { code, events } = await simulate('--list')
    expect(code).to.equal(0)
    expect(events.find(({ name }) => name === 'epidemic-reach')?.claims).to.include('s = 1 − e^(−D·s)')
    const help = await simulate('epidemic-reach', '--help')
    expect(help.code).to.equal(0)
    expect(help.events[0]?.options.nodes).to.include({ default: 1e6, min: 100, max: 1e9 })
  })

  it('runs a grid of sweeps into a folder, and tells each run', async () => {
    const out = join(folder, 'out')
    const { code, events } = await simulate('epidemic-reach', '--sweep', 'nodes=1e3,2K', '--sweep', 'degree=4,8', '--runs', '2', '--seed', '7', '--out', out)
    expect(code).to.equal(0)
    expect(events[0]).to.deep.include({ event: 'started', jobs: 8, seed: 7, sweep: { nodes: [1000, 2000], degree: [4, 8] } })
    expect(events.filter(({ event }) => event === 'run').map(({ job }) => job)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7])
    expect(events.at(-1)).to.deep.include({ event: 'done', complete: true, runs: 8, errors: 0, refuted: 0 })
    for (const file of ['results.jsonl', 'results.csv', 'summary.json', 'manifest.json', 'report.html']) {
      expect(existsSync(join(out, file)), file).to.equal(true)
    }
  })

  const wrong: Array<[args: string[], name: string | undefined, says: string]> = [
    [['epidemc'], 'UnknownScenarioError', 'did you mean "epidemic-reach"?'],
    [[], 'NoScenarioError', 'Which scenario?'],
    [['epidemic-reach', '--set', 'degre=4'], 'UnknownOptionError', 'did you mean "degree"?'],
    [['epidemic-reach', '--nodes', '1e12'], 'OptionValueError', 'nodes=1e12: expected a whole number from 100 to 1B'],
    [['epidemic-reach', '--nodes', '1K', '--set', 'nodes=1K'], 'OptionTwiceError', 'nodes is given twice'],
    [['epidemic-reach', '--sweep', 'nodes=1K,2K', '--nodes', '1K'], 'OptionTwiceError', 'nodes is given twice'],
    [['./nowhere.ts'], 'ScenarioFileError', 'does not exist'],
    [['epidemic-reach', '--shard', '4/4'], undefined, 'Expected i/n'],
    [['epidemic-reach', '--set', 'nodes'], undefined, 'Expected NAME=VALUE'],
    [['epidemic-reach', '--runs', '0'], undefined, 'Expected a whole number from 1 to 100000'],
    [['merge'], undefined, 'missing required argument']
  ]
  it('ends with status 2 when it is asked wrongly, and says what is known', async () => {
    for (const [args, name, says] of wrong) {
      const { code, events, stderr } = await inProcess('simulate', ...args, '--out', join(folder, 'out'), '--json')
      expect(code, args.join(' ')).to.equal(2)
      expect(stderr).to.include(says)
      expect(name === undefined ? events : events.at(-1)?.name).to.deep.equal(name ?? [])
    }
    expect(existsSync(join(folder, 'out'))).to.equal(false)
  })

  it('ends with status 1 when a run fails, says how to repeat it, and repeats it', async () => {
    const out = join(folder, 'out')
    const { code, events } = await simulate(own('throw new Error("odd")'), '--runs', '8', '--out', out)
    expect(code).to.equal(1)
    expect(events.at(-1)).to.include({ event: 'error', name: 'SimulationFailedError' })
    const failure = events.find(({ event }) => event === 'failure')
    expect(failure).to.deep.include({ kind: 'error', options: { nodes: 5 } })
    const replayed = await simulate('--replay', join(out, `failure-${failure?.job}.json`))
    expect(replayed.code).to.equal(1)
    expect(replayed.events.find(({ event }) => event === 'replayed')).to.include({ failed: true, same: true })

    own('')
    const mended = await simulate('--replay', join(out, `failure-${failure?.job}.json`))
    expect(mended.code).to.equal(0)
    expect(mended.events[0]).to.deep.include({ event: 'changed', changed: ['the scenario file has changed since'] })
    expect(mended.events.at(-1)).to.include({ event: 'replayed', failed: false })
  })

  it('repeats a whole simulation from its manifest', async () => {
    const [a, b] = [join(folder, 'a'), join(folder, 'b')]
    await simulate('epidemic-reach', '--sweep', 'nodes=1K,2K', '--set', 'degree=6', '--runs', '3', '--seed', '9', '--out', a)
    expect((await simulate('--replay', join(a, 'manifest.json'), '--out', b)).code).to.equal(0)
    for (const file of ['results.jsonl', 'curves.jsonl', 'results.csv', 'summary.json', 'report.html']) {
      expect(readFileSync(join(b, file), 'utf8'), file).to.equal(readFileSync(join(a, file), 'utf8'))
    }
  })

  it('ends with status 1 when a claim does not hold', async () => {
    const { code, stderr } = await simulate(own('check("never odd", false, "odd")'), '--runs', '8', '--out', join(folder, 'out'))
    expect(code).to.equal(1)
    expect(stderr).to.match(/a claim did not hold in \d runs?/)
  })

  it('says before it starts that the memory will not do, and runs when it is forced', async () => {
    const out = join(folder, 'out')
    const path = own('')
    writeFileSync(path, readFileSync(path, 'utf8').replace('small: {},', 'small: {}, estimateMemoryBytes: ({ nodes }) => nodes * 1e15,'))
    const { code, events, stderr } = await simulate(path, '--out', out)
    expect(code).to.equal(1)
    expect(events).to.have.length(1)
    expect(events[0]).to.include({ event: 'error', name: 'MemoryError' })
    expect(stderr).to.include('A run with nodes=5 takes about 5000000.0 GB').and.include('--force-memory')
    expect(existsSync(out)).to.equal(false)
    expect((await simulate(path, '--out', out, '--force-memory')).code).to.equal(0)
  })

  it('keeps what a scenario prints out of its own lines', async () => {
    const { events, stderr } = await simulate(own(''), '--out', join(folder, 'out'))
    expect(events.map(({ event }) => event)).to.include('done')
    expect(stderr).to.include('a scenario may print')
  })

  for (const [what, odd] of [
    ['looks at its progress', 'for (;;) { progress(1, 2) }'],
    ['waits', 'await new Promise(() => { setInterval(() => {}, 1000) })'],
    ['never looks', 'for (;;) {}']
  ] as const) {
    it(`writes what is done, marked as incomplete, and ends with status 130 after Ctrl-C in a run that ${what}`, async () => {
      const out = join(folder, 'out')
      const child = start(own(odd), '--runs', '40', '--seed', '1', '--workers', '2', '--out', out)
      await child.event('started')
      // sooner or later both threads are in a run that does not end
      await new Promise(resolve => { setTimeout(resolve, 1_500) })
      child.kill('SIGINT')
      child.kill('SIGINT') // as it comes under npx: from the terminal, and from npm
      expect(await child.exit()).to.deep.equal({ code: 130, signal: null })
      expect(child.events.at(-1)).to.include({ event: 'error', name: 'StoppedError' })
      const manifest = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8'))
      expect(manifest).to.include({ complete: false, jobs: 40 })
      expect(manifest.done).to.equal(readFileSync(join(out, 'results.jsonl'), 'utf8').split('\n').length - 1)
      expect(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')).complete).to.equal(false)
      expect(readFileSync(join(out, 'report.html'), 'utf8')).to.include('Incomplete:')
    })
  }

  it('runs shards and merges them into the bytes of one machine', async () => {
    const sweep = ['epidemic-reach', '--sweep', 'nodes=500,1K,2K', '--runs', '3']
    await simulate(...sweep, '--out', join(folder, 'one'))
    const shards = ['0', '1'].map(index => join(folder, `shard-${index}`))
    for (const [index, out] of shards.entries()) {
      expect((await simulate(...sweep, '--shard', `${index}/2`, '--out', out)).code).to.equal(0)
    }
    const half = await simulate('merge', shards[0]!, '--out', join(folder, 'half'))
    expect(half.code).to.equal(1)
    expect(half.events.at(-1)).to.include({ name: 'ShardMissingError' })
    expect((await simulate('merge', ...shards, '--out', join(folder, 'merged'))).code).to.equal(0)
    for (const file of ['results.jsonl', 'curves.jsonl', 'results.csv', 'summary.json', 'report.html']) {
      expect(readFileSync(join(folder, 'merged', file), 'utf8'), file).to.equal(readFileSync(join(folder, 'one', file), 'utf8'))
    }
  })
})
