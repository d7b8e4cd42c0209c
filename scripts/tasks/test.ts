/** `npm test`: everything that has to hold, step by step. A failing step does not stop the others, so that one run tells all. */
import { parseArgs } from 'node:util'
import { examples } from '../steps/examples.ts'
import { house } from '../steps/house.ts'
import { integration, simulated, unit } from '../steps/mocha.ts'
import { packed } from '../steps/packed.ts'
import { readme } from '../steps/readme-examples.ts'
import { simulations } from '../steps/simulations.ts'
import type { Step, StepResult } from '../steps/step.ts'
import { generated, lint, types } from '../steps/tools.ts'

const STEPS: Step[] = [lint, generated, types, house, unit, simulated, integration, readme, examples, simulations, packed]

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    skip: { type: 'string', multiple: true },
    package: { type: 'string', multiple: true },
    help: { type: 'boolean', short: 'h' }
  }
})

if (options.help === true) {
  console.log(`Usage: npm test -- [options]

  --only STEP[,STEP]     runs these steps alone
  --skip STEP[,STEP]     leaves these steps out
  --package NAME[,NAME]  in unit, sim and integration, runs the tests of these packages alone

Steps, in order:
${STEPS.map(step => `  ${step.name.padEnd(12)} ${step.what}`).join('\n')}`)
} else {
  process.exitCode = await main(chosen(options.only), chosen(options.skip))
}

function chosen (names: string[] = []): string[] {
  const list = names.flatMap(name => name.split(','))
  const unknown = list.find(name => !STEPS.some(step => step.name === name))

  if (unknown !== undefined) {
    console.error(`There is no step ${unknown}. There are: ${STEPS.map(step => step.name).join(', ')}`)
    process.exit(2)
  }
  return list
}

async function main (only: string[], skip: string[]): Promise<number> {
  if (options.package !== undefined) {
    process.env.PACKAGES = options.package.join(',')
  }

  const rows: string[] = []
  const allRemarks: string[] = []
  const total = { passed: 0, failed: 0, pending: 0 }

  for (const step of STEPS.filter(({ name }) => (only.length === 0 || only.includes(name)) && !skip.includes(name))) {
    console.log(`\n━━ ${step.name}: ${step.what}\n`)
    const startedMs = performance.now()
    const { passed, failed, pending = 0, remarks = [] } = await runStep(step)
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)

    total.passed += passed
    total.failed += failed
    total.pending += pending
    allRemarks.push(...remarks)
    rows.push(`${failed === 0 ? '✔' : '✘'} ${step.name.padEnd(12)} ${String(passed).padStart(5)} passed ${String(failed).padStart(3)} failed` +
      `${pending === 0 ? '' : ` ${pending} left out`}  ${seconds} s`)
    console.log(`\n${rows.at(-1)}`)
  }

  console.log(`\n━━ all\n\n${rows.join('\n')}\n`)
  for (const remark of allRemarks) {
    console.log(`${remark}\n`)
  }
  if (total.pending > 0) {
    console.log(`${total.pending} left out`)
  }
  console.log(`${total.passed} passed, ${total.failed} failed`)
  return total.failed === 0 && total.passed > 0 ? 0 : 1
}

/** A step that throws is a step that fails. */
async function runStep (step: Step): Promise<StepResult> {
  try {
    return await step.run()
  } catch (error) {
    console.error(error)
    return { passed: 0, failed: 1 }
  }
}
