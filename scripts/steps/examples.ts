/** The programs in `examples/`: the `test` script of each, or else its `main`, has to end with status 0. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { runNode, runNpm } from '../child-process.ts'
import { root } from '../tree.ts'
import { runPrograms } from './programs.ts'
import type { Program } from './programs.ts'
import type { Step } from './step.ts'

const LIMIT_MS = 180_000

export const examples: Step = {
  name: 'examples',
  what: 'every program of examples/',
  run: async () => await runPrograms(findPrograms())
}

function findPrograms (): Program[] {
  const folder = join(root, 'examples')

  if (!existsSync(folder)) {
    return []
  }
  return readdirSync(folder).filter(name => existsSync(join(folder, name, 'package.json'))).map(name => {
    const cwd = join(folder, name)
    const manifest = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8')) as { main?: string, scripts?: { test?: string } }
    const options = { cwd, env: { CI: 'true' }, limitMs: LIMIT_MS, capture: true }

    return {
      name: `examples/${name}`,
      run: async () => manifest.scripts?.test === undefined
        ? await runNode(['--conditions=skein-source', manifest.main ?? 'main.ts'], options)
        : await runNpm(['test', '--silent'], { ...options, env: { ...options.env, NODE_OPTIONS: '--conditions=skein-source' } })
    }
  })
}
