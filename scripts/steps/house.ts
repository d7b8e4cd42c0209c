/** The checks of the house over the files of this repository. Each is one test. */
import { checks } from '../checks/all.ts'
import { readTree } from '../tree.ts'
import type { Step, StepResult } from './step.ts'

/** Enough to see what is wrong; the rest shows once these are gone. */
const SHOWN = 50

export const house: Step = {
  name: 'house',
  what: `checks of the house: ${checks.map(check => check.name).join(', ')}`,
  run: () => checkHouse()
}

export function checkHouse (names: string[] = []): StepResult {
  const tree = readTree()
  const result = { passed: 0, failed: 0 }

  for (const check of checks.filter(({ name }) => names.length === 0 || names.includes(name))) {
    const findings = check.run(tree)

    console.log(`${findings.length === 0 ? '✔' : '✘'} ${check.name}${findings.length === 0 ? '' : `: ${findings.length} found`}`)
    for (const { file, line, message } of findings.slice(0, SHOWN)) {
      console.log(`    ${file}${line === undefined ? '' : `:${line}`}  ${message}`)
    }
    result[findings.length === 0 ? 'passed' : 'failed']++
  }
  return result
}
