/** Runs programs one after the other; each is one test, and shows its output only when it fails. */
import type { RunResult } from '../child-process.ts'
import type { StepResult } from './step.ts'

export interface Program {
  name: string
  run: () => Promise<RunResult>
}

export interface ProgramsOptions {
  /**
   * Each needs those before it
   *
   * @default false
   */
  stopAtFailure?: boolean
}

export async function runPrograms (programs: Program[], options: ProgramsOptions = {}): Promise<StepResult> {
  const result = { passed: 0, failed: 0 }

  for (const { name, run } of programs) {
    const startedMs = performance.now()
    const { code, output, killed } = await run()
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)

    if (code === 0 && killed === undefined) {
      console.log(`✔ ${name} (${seconds} s)`)
      result.passed++
    } else {
      console.log(`✘ ${name}: ${killed === undefined ? `status ${code}` : 'killed at its limit'} (${seconds} s)\n${output.replace(/^/gm, '    ')}`)
      result.failed++
      if (options.stopAtFailure === true) {
        break
      }
    }
  }
  return result
}
