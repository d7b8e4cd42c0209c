import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const BIN = fileURLToPath(new URL('../src/bin/skein.ts', import.meta.url))
const BATCH = new URL('../../../simulations/batch/', import.meta.url)
const WORDS = ['epidemic-reach', '--sweep', 'nodes=500,1K', '--runs', '3']

describe('the examples for batch systems', function () {
  this.timeout(60_000)
  let folder: string

  before(() => { folder = mkdtempSync(join(tmpdir(), 'skein-batch-')) })
  after(() => { rmSync(folder, { recursive: true, force: true }) })

  async function run (command: string, args: string[], environment: Record<string, string> = {}): Promise<{ code: number, output: string }> {
    const SKEIN = `${process.execPath} --conditions=skein-source ${BIN}`
    const child = spawn(command, args, { env: { ...process.env, SKEIN, ...environment } })
    let output = ''
    child.stdout.on('data', data => { output += String(data) })
    child.stderr.on('data', data => { output += String(data) })
    const [code] = await once(child, 'close') as [number]
    return { code, output }
  }

  async function script (name: string, args: string[], environment: Record<string, string>): Promise<{ code: number, output: string }> {
    return await run('sh', [fileURLToPath(new URL(name, BATCH)), ...args], environment)
  }

  it('run under Slurm\'s environment, and merge into the bytes of one machine', async () => {
    const OUT = join(folder, 'cluster')
    const array = { OUT, SLURM_ARRAY_TASK_COUNT: '3', SLURM_CPUS_PER_TASK: '2' }
    for (const SLURM_ARRAY_TASK_ID of ['0', '2']) {
      expect(await script('slurm-shards.sh', WORDS, { ...array, SLURM_ARRAY_TASK_ID })).to.have.property('code', 0)
    }
    const early = await script('slurm-merge.sh', [], { OUT })
    expect(early.code).to.equal(1)
    expect(early.output).to.include('1/3 is missing')
    // one task again, by itself
    const again = { OUT, SLURM_ARRAY_TASK_ID: '1', SLURM_ARRAY_TASK_COUNT: '1', SHARDS: '3' }
    expect(await script('slurm-shards.sh', WORDS, again)).to.have.property('code', 0)
    expect(await script('slurm-merge.sh', [], { OUT })).to.have.property('code', 0)

    await run(process.execPath, ['--conditions=skein-source', BIN, 'simulate', ...WORDS, '--out', join(folder, 'one')])
    for (const file of ['results.jsonl', 'curves.jsonl', 'results.csv', 'summary.json', 'report.html']) {
      expect(readFileSync(join(OUT, 'merged', file), 'utf8'), file).to.equal(readFileSync(join(folder, 'one', file), 'utf8'))
    }
  })

  it('run under Kubernetes\' environment: one shard for each completion', async () => {
    const job = readFileSync(new URL('kubernetes-job.yaml', BATCH), 'utf8')
    const completions = /completions: (\d+)/.exec(job)?.[1]
    expect(job).to.include('completionMode: Indexed')
    const command = /- >-\n([^]+?)\n {10}resources:/.exec(job)?.[1]!.replaceAll(/\s+/g, ' ').trim() as string
    expect(command).to.include(`--shard "$JOB_COMPLETION_INDEX/${completions}"`)
    const small = command.replace('exec skein', 'exec $SKEIN').replaceAll('/results/', `${folder}/pods/`).replace(/nodes=\S+ --runs \d+/, 'nodes=500 --runs 1')
    const { code, output } = await run('sh', ['-c', small], { JOB_COMPLETION_INDEX: '15' })
    expect(code, output).to.equal(0)
    const manifest = JSON.parse(readFileSync(join(folder, 'pods', 'shard-15', 'manifest.json'), 'utf8'))
    expect(manifest).to.deep.include({ shard: { index: 15, of: 16 }, jobs: 0, complete: true })
  })
})
