/** The scenarios of `simulations/`, each run at its small size: a run that fails, or a claim that does not hold, is a failed test. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runNode } from '../child-process.ts'
import { root } from '../tree.ts'
import { runPrograms } from './programs.ts'
import type { Step } from './step.ts'

/** Small means seconds; a machine may be slow. */
const LIMIT_MS = 180_000

export const simulations: Step = {
  name: 'simulations',
  what: 'every scenario of simulations/ at its small size',
  run: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'skein-simulations-'))
    const skein = join(root, 'packages', 'cli', 'src', 'bin', 'skein.ts')

    try {
      return await runPrograms(scenarioNames().map(name => ({
        name: `simulations/${name}`,
        run: async () => await runNode(['--conditions=skein-source', skein, 'simulate', name, '--small', '--out', join(folder, name)],
          { limitMs: LIMIT_MS, capture: true })
      })))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

export function scenarioNames (): string[] {
  return readdirSync(join(root, 'simulations')).filter(file => file.endsWith('.ts')).map(file => file.slice(0, -3)).sort()
}
