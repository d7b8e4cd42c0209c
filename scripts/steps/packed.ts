/**
 * The packages as a consumer gets them: built, packed, and installed from their tarballs into an empty project outside the repository, where
 * `scripts/pack-test/two-peers.ts` is type-checked and run, the `skein` command lists and runs the scenarios that come with it, and every entry of
 * every package is loaded.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findPackages } from '../checks/packages.ts'
import type { Package } from '../checks/packages.ts'
import { runNode, runNpm, runTool } from '../child-process.ts'
import type { RunOptions, RunResult } from '../child-process.ts'
import { readTree, root } from '../tree.ts'
import { runPrograms } from './programs.ts'
import { scenarioNames } from './simulations.ts'
import type { Step, StepResult } from './step.ts'

const LIMIT_MS = 10 * 60_000
const PROGRAM_LIMIT_MS = 60_000
const EXPECTED_OUTPUT = 'hello world\n'

export const packed: Step = {
  name: 'pack',
  what: 'the packed packages in an empty project: types, a program of two peers, the scenarios, every entry',
  run: testPackages
}

async function testPackages (): Promise<StepResult> {
  const packages = findPackages(readTree())
  const folder = mkdtempSync(join(tmpdir(), 'skein-pack-'))
  const tarballs = join(folder, 'tarballs')
  const project = join(folder, 'project')
  const inProject = { cwd: project, limitMs: PROGRAM_LIMIT_MS, capture: true }

  mkdirSync(tarballs)
  cpSync(join(root, 'scripts', 'pack-test'), project, { recursive: true })

  try {
    return await runPrograms([
      { name: 'build', run: async () => await runTool('typescript', 'tsc', ['-b'], { limitMs: LIMIT_MS, capture: true }) },
      { name: 'pack', run: async () => await pack(packages, tarballs) },
      { name: 'install', run: async () => await install(packages, tarballs, project) },
      { name: 'types', run: async () => await runTool('typescript', 'tsc', ['-p', project], { limitMs: LIMIT_MS, capture: true }) },
      { name: 'two peers', run: async () => expectOutput(await runNode(['two-peers.ts'], inProject)) },
      { name: 'scenarios', run: async () => await runScenarios(inProject) },
      { name: 'every entry', run: async () => await runNode(['--input-type=module', '--eval', loadEntries(packages)], inProject) }
    ], { stopAtFailure: true })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function pack (packages: Package[], destination: string): Promise<RunResult> {
  const folders = packages.map(({ folder }) => `./${folder}`)

  return await runNpm(['pack', ...folders, '--pack-destination', destination, '--ignore-scripts'], { limitMs: LIMIT_MS, capture: true })
}

/** All packages of the house come from the tarballs, also where one depends on another. */
async function install (packages: Package[], tarballs: string, project: string): Promise<RunResult> {
  const files = readdirSync(tarballs)
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { devDependencies: Record<string, string> }
  const dependencies = Object.fromEntries(packages.map(({ manifest: { name, version } }) => {
    const file = `${name.replace('@', '').replace('/', '-')}-${version}.tgz`

    if (!files.includes(file)) {
      throw new Error(`npm pack wrote no ${file}`)
    }
    return [name, `file:${join(tarballs, file)}`]
  }))

  writeFileSync(join(project, 'package.json'), JSON.stringify({
    private: true,
    type: 'module',
    dependencies,
    devDependencies: { '@types/node': devDependencies['@types/node'] }
  }))
  return await runNpm(['install', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: project, limitMs: LIMIT_MS, capture: true })
}

/** All of `simulations/` are there, and one runs. */
async function runScenarios (inProject: RunOptions): Promise<RunResult> {
  const skein = join('node_modules', '@skein', 'cli', 'dist', 'bin', 'skein.js')
  const list = await runNode([skein, 'simulate', '--list', '--json'], inProject)
  const listed = list.output.split('\n').filter(line => line !== '').map(line => (JSON.parse(line) as { name: string }).name)
  const missing = scenarioNames().filter(name => !listed.includes(name))

  if (list.code !== 0 || missing.length > 0) {
    return { ...list, code: 1, output: `${list.output}\n(not listed: ${missing.join(', ')})` }
  }
  return await runNode([skein, 'simulate', listed[0] as string, '--small', '--out', 'results'], inProject)
}

function expectOutput (result: RunResult): RunResult {
  return result.code === 0 && result.output !== EXPECTED_OUTPUT
    ? { ...result, code: 1, output: `${result.output}\n(expected ${JSON.stringify(EXPECTED_OUTPUT)})` }
    : result
}

/** A program that imports each entry and ends by itself. */
function loadEntries (packages: Package[]): string {
  return packages.flatMap(({ manifest }) => Object.keys(manifest.exports ?? {})
    .filter(entry => !entry.endsWith('.json'))
    .map(entry => `await import('${manifest.name}${entry.slice(1)}')`)).join('\n')
}
