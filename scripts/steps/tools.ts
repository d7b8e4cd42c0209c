/** The steps of `npm test` that are one run of a tool: the linter, the generator of protobuf code, the compiler. Each run is one test. */
import { runNode, runTool } from '../child-process.ts'
import type { RunResult } from '../child-process.ts'
import { listFiles } from '../tree.ts'
import { extractExamples } from './readme-examples.ts'
import type { Step, StepResult } from './step.ts'

const LIMIT_MS = 10 * 60_000
const PLAIN = ['--pretty', String(process.stdout.isTTY === true)]

export const lint: Step = {
  name: 'lint',
  what: 'oxlint, warnings are errors',
  run: async () => count(await runTool('oxlint', 'oxlint', ['--deny-warnings'], { limitMs: LIMIT_MS }))
}

export const generated: Step = {
  name: 'generated',
  what: 'committed protobuf code is what its .proto file gives',
  run: async () => {
    const files = listFiles().filter(file => file.endsWith('.proto'))

    return files.length === 0 ? count() : count(await runNode(['scripts/protobuf.mjs', '--check', ...files], { limitMs: LIMIT_MS }))
  }
}

export const types: Step = {
  name: 'types',
  what: 'type-check and build of the packages; type-check of tests, benchmarks, examples (also those in READMEs), scripts',
  run: async () => {
    extractExamples()

    return count(
      await runTool('typescript', 'tsc', ['-b', ...PLAIN], { limitMs: LIMIT_MS }),
      await runTool('typescript', 'tsc', ['-p', 'tsconfig.test.json', ...PLAIN], { limitMs: LIMIT_MS })
    )
  }
}

function count (...results: RunResult[]): StepResult {
  const passed = results.filter(({ code }) => code === 0).length

  return { passed, failed: results.length - passed }
}
