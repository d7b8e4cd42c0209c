/** The steps of `npm test` that run mocha: pure specs, simulations, and tests over real sockets. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runTool } from '../child-process.ts'
import { ensureSystemPackages } from '../system-packages.ts'
import { listFiles } from '../tree.ts'
import type { Step, StepResult } from './step.ts'

/** How long a process may go on after its last test, before it counts as a failure (a socket or timer was left open). */
const GRACE_MS = 15_000
const MINUTE_MS = 60_000

export const unit: Step = {
  name: 'unit',
  what: 'pure tests (*.spec.ts)',
  run: async () => await runTests(/\.spec\.ts$/, { limitMs: 10 * MINUTE_MS, timeoutMs: 10_000 })
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
    const result = await runTests(/\.node\.ts$/, { limitMs: 20 * MINUTE_MS, timeoutMs: 60_000 })

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

/** A process per package: one that hangs, or does not load, does not take the others with it. */
async function runTests (pattern: RegExp, limits: Limits): Promise<StepResult> {
  const total = { passed: 0, failed: 0, pending: 0 }

  for (const [owner, files] of Map.groupBy(testFiles(pattern), file => file.replace(/\/test\/.*/, ''))) {
    console.log(`── ${owner}`)
    const { passed, failed, pending } = await runMocha(files, limits)
    total.passed += passed
    total.failed += failed
    total.pending += pending ?? 0
  }
  return total
}

/** Test files of all packages, or of those that `PACKAGES` names. */
function testFiles (pattern: RegExp): string[] {
  const only = process.env.PACKAGES?.split(',')

  return listFiles().filter(file => pattern.test(file) && file.includes('/test/') &&
    (only === undefined || only.some(name => file.startsWith(`packages/${name}/`))))
}

async function runMocha (files: string[], { limitMs, timeoutMs }: Limits): Promise<StepResult> {
  const folder = mkdtempSync(join(tmpdir(), 'skein-test-'))
  const countsFile = join(folder, 'counts.json')
  const args = ['--forbid-only', '--timeout', String(timeoutMs), '--reporter', 'scripts/mocha-reporter.cjs', ...files]

  try {
    const { code, killed } = await runTool('mocha', 'mocha', args, {
      limitMs,
      env: { COUNTS_FILE: countsFile },
      linger: { done: () => readCounts(countsFile) !== undefined, graceMs: GRACE_MS }
    })
    const counts = readCounts(countsFile)

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
