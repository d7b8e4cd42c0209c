/** The steps of `npm test` that run mocha: pure specs, simulations, and tests over real sockets. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { runTool } from '../child-process.ts'
import { ensureSystemPackages } from '../system-packages.ts'
import { listFiles, root } from '../tree.ts'
import type { Step, StepResult } from './step.ts'

/** How long a process may go on after its last test, before it counts as a failure (a socket or timer was left open). */
const GRACE_MS = 15_000
const MINUTE_MS = 60_000
/** Packages tested at once: two use what cores there are well, more make nodes miss their deadlines. */
const WORKERS = Math.min(2, availableParallelism())
/** Fifty nodes, networks of the kernel and their time limits: nothing runs beside them. */
const ALONE = /^packages\/(testnet\/test|cli\/test\/mesh-fleet)\//
/**
 * Test files that get a second attempt, alone, after they failed. Real nodes have real deadlines, and a machine that others use too holds them up now
 * and then: one such moment in 1,400 tests says nothing about the code. When more files fail than this, it is the code.
 */
const SECOND_ATTEMPTS = 3

export const unit: Step = {
  name: 'unit',
  what: 'pure tests (*.spec.ts)',
  run: async () => withRemarks(await runTests(/\.spec\.ts$/, { limitMs: 10 * MINUTE_MS, timeoutMs: 30_000 }))
}

export const simulated: Step = {
  name: 'sim',
  what: 'seeded simulations (*.sim.ts)',
  run: async () => withRemarks(await runTests(/\.sim\.ts$/, { limitMs: 15 * MINUTE_MS, timeoutMs: 120_000 }))
}

export const integration: Step = {
  name: 'integration',
  what: 'real sockets on loopback (*.node.ts)',
  run: async () => {
    const missing = await ensureSystemPackages({ packages: process.env.PACKAGES?.split(',') })
    const limits = { limitMs: 30 * MINUTE_MS, timeoutMs: 60_000 }
    const result = await secondAttempts(await runTests(/\.node\.ts$/, limits), limits)

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

interface FailedTest {
  title: string
  /** From the root of the file system */
  file?: string
  /** What it threw */
  error: string
}

/** What `mocha-reporter.cjs` writes. */
interface Counts {
  passed: number
  failed: number
  pending: number
  failedTests: FailedTest[]
}

interface MochaResult extends StepResult {
  remarks: string[]
  failedTests: FailedTest[]
}

/** A process per package, or folder of what runs alone: one that hangs, or does not load, does not take the others with it. */
async function runTests (pattern: RegExp, limits: Limits): Promise<MochaResult> {
  const total: MochaResult = { passed: 0, failed: 0, pending: 0, remarks: [], failedTests: [] }
  const [together, alone] = [new Map<string, string[]>(), new Map<string, string[]>()]
  for (const [owner, files] of Map.groupBy(testFiles(pattern), ownerOf)) {
    (ALONE.test(`${owner}/`) ? alone : together).set(owner, files)
  }
  for (const [owners, workers] of [[together, WORKERS], [alone, 1]] as const) {
    const waiting = [...owners].values()
    await Promise.all(Array.from({ length: workers }, async () => {
      for (const [owner, files] of waiting) {
        add(total, await runMocha(owner, files, { ...limits, capture: Math.min(workers, owners.size) > 1 }))
      }
    }))
  }
  return total
}

function add (total: MochaResult, { passed, failed, pending = 0, remarks, failedTests }: MochaResult): void {
  total.passed += passed
  total.failed += failed
  total.pending = (total.pending ?? 0) + pending
  total.remarks.push(...remarks)
  total.failedTests.push(...failedTests)
}

/** Runs the files of the tests that failed once more, each alone; what passes then counts as passed, and is told with its first error. */
async function secondAttempts (first: MochaResult, limits: Limits): Promise<StepResult> {
  const byFile = Map.groupBy(first.failedTests, ({ file }) => file)
  if (byFile.size > SECOND_ATTEMPTS || byFile.has(undefined)) {
    return withRemarks(first)
  }

  const result = { passed: first.passed, failed: first.failed, pending: first.pending, remarks: [...first.remarks] }
  for (const [file = '', tests] of byFile) {
    const second = await runMocha(`${relative(root, file)}, second attempt`, [file], { ...limits, capture: false })
    const passes = second.failed === 0 && second.passed > 0
    result.passed += passes ? tests.length : 0
    result.failed -= passes ? tests.length : 0
    result.remarks.push(...tests.map(test => remark(passes ? '↻ passed at the second attempt, alone:' : '✘', test)),
      ...second.failedTests.map(test => remark('✘ second attempt:', test)), ...second.remarks)
  }
  return result
}

function withRemarks (result: MochaResult): StepResult {
  return { ...result, remarks: [...result.remarks, ...result.failedTests.map(test => remark('✘', test))] }
}

function remark (sign: string, { title, error }: FailedTest): string {
  return `${sign} ${title}\n    ${error.replaceAll('\n', '\n    ')}`
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

async function runMocha (owner: string, files: string[], { limitMs, timeoutMs, capture }: MochaRun): Promise<MochaResult> {
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
    const { passed = 0, failed = 0, pending = 0, failedTests = [] } = counts ?? {}
    const trouble = troubleOf({ code, killed, limitMs, failed, ended: counts !== undefined })
    if (trouble !== undefined) {
      console.error(trouble)
    }
    return {
      passed,
      failed: failed + (trouble === undefined ? 0 : 1),
      pending,
      failedTests,
      remarks: trouble === undefined ? [] : [`✘ ${owner}: ${trouble}`]
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What went wrong with a process, apart from its tests. */
function troubleOf (end: { code: number, killed?: 'limit' | 'lingering', limitMs: number, failed: number, ended: boolean }): string | undefined {
  if (!end.ended) {
    return end.killed === 'limit' ? `killed after ${end.limitMs / 1000} s: a test hangs` : `mocha ended with status ${end.code} before its tests did`
  }
  if (end.killed === 'lingering') {
    return `killed: the process did not end within ${GRACE_MS / 1000} s of its last test`
  }
  return end.code !== 0 && end.failed === 0 ? `mocha ended with status ${end.code} though no test failed` : undefined
}

function readCounts (file: string): Counts | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Counts
  } catch {
    return undefined // not written yet
  }
}
