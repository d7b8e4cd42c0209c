/** The steps of `npm test` that run mocha: pure specs, simulations, and tests over real sockets. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { runTool } from '../child-process.ts'
import { ensureSystemPackages } from '../system-packages.ts'
import { listFiles } from '../tree.ts'
import type { Step, StepResult } from './step.ts'

/** How long a process may go on after its last test, before it counts as a failure (a socket or timer was left open). */
const GRACE_MS = 15_000
const MINUTE_MS = 60_000
/** Packages tested at once: two use what cores there are well, more make nodes miss their deadlines. */
const WORKERS = Math.min(2, availableParallelism())
/** Fifty nodes, networks of the kernel and their time limits: nothing runs beside them. */
const ALONE = /^packages\/(testnet\/test|cli\/test\/mesh-fleet)\//

export const unit: Step = {
  name: 'unit',
  what: 'pure tests (*.spec.ts)',
  run: async () => await runTests(/\.spec\.ts$/, { limitMs: 10 * MINUTE_MS, timeoutMs: 30_000 })
}

export const simulated: Step = {
  name: 'sim',
  what: 'seeded simulations (*.sim.ts)',
  run: async () => await runTests(/\.sim\.ts$/, { limitMs: 15 * MINUTE_MS, timeoutMs: 120_000 })
}

export const integration: Step = {
  name: 'integration',
  what: 'real sockets on loopback (*.node.ts)',
  run: async () => {
    const missing = await ensureSystemPackages({ packages: process.env.PACKAGES?.split(',') })
    const result = await runTests(/\.node\.ts$/, { limitMs: 30 * MINUTE_MS, timeoutMs: 60_000 })

    if (missing !== undefined) {
      console.error(`${process.env.CI === 'true' ? 'Failed' : 'Tests were left out'}: ${missing}`)
      result.failed += process.env.CI === 'true' ? 1 : 0
    }
    return result
  }
}

interface Limits {
  /** For a mocha process */
  limitMs: number
  /** For one test that does not set its own */
  timeoutMs: number
}

interface MochaRun extends Limits {
  /** Shows what it writes when it has ended, as others write at the same time */
  capture: boolean
}

/** A process per package, or folder of what runs alone: one that hangs, or does not load, does not take the others with it. */
async function runTests (pattern: RegExp, limits: Limits): Promise<StepResult> {
  const total = { passed: 0, failed: 0, pending: 0 }
  const [together, alone] = [new Map<string, string[]>(), new Map<string, string[]>()]
  for (const [owner, files] of Map.groupBy(testFiles(pattern), ownerOf)) {
    (ALONE.test(`${owner}/`) ? alone : together).set(owner, files)
  }
  for (const [owners, workers] of [[together, WORKERS], [alone, 1]] as const) {
    const waiting = [...owners].values()
    await Promise.all(Array.from({ length: workers }, async () => {
      for (const [owner, files] of waiting) {
        const { passed, failed, pending } = await runMocha(owner, files, { ...limits, capture: Math.min(workers, owners.size) > 1 })
        total.passed += passed
        total.failed += failed
        total.pending += pending ?? 0
      }
    }))
  }
  return total
}

/** The package of a test file; the folder of one that wants the machine for itself. */
function ownerOf (file: string): string {
  return ALONE.test(file) ? dirname(file) : file.replace(/\/test\/.*/, '')
}

/** Test files of all packages, or of those that `PACKAGES` names. */
function testFiles (pattern: RegExp): string[] {
  const only = process.env.PACKAGES?.split(',')

  return listFiles().filter(file => pattern.test(file) && file.includes('/test/') &&
    (only === undefined || only.some(name => file.startsWith(`packages/${name}/`))))
}

async function runMocha (owner: string, files: string[], { limitMs, timeoutMs, capture }: MochaRun): Promise<StepResult> {
  const folder = mkdtempSync(join(tmpdir(), 'skein-test-'))
  const countsFile = join(folder, 'counts.json')
  const args = ['--forbid-only', '--timeout', String(timeoutMs), '--reporter', 'scripts/mocha-reporter.cjs', ...files]

  if (!capture) {
    console.log(`── ${owner}`)
  }
  try {
    const { code, killed, output } = await runTool('mocha', 'mocha', args, {
      limitMs,
      capture,
      env: { COUNTS_FILE: countsFile },
      linger: { done: () => readCounts(countsFile) !== undefined, graceMs: GRACE_MS }
    })
    const counts = readCounts(countsFile)
    if (capture) {
      console.log(`── ${owner}\n${output}`)
    }
    if (counts === undefined) {
      console.error(killed === 'limit' ? `Killed after ${limitMs / 1000} s: a test hangs` : `mocha ended with status ${code} before its tests did`)
      return { passed: 0, failed: 1 }
    }
    if (killed === 'lingering') {
      console.error(`Killed: the process did not end within ${GRACE_MS / 1000} s of its last test`)
      counts.failed++
    } else if (code !== 0 && counts.failed === 0) {
      console.error(`mocha ended with status ${code} though no test failed`)
      counts.failed++
    }
    return counts
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function readCounts (file: string): StepResult | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as StepResult
  } catch {
    return undefined // not written yet
  }
}
