/** One figure in a process of its own: `child.ts TASK SIZE` writes one line of JSON. */
import { measureChurn } from './churn.ts'
import { measureMachines } from './machines.ts'
import { HOLD_QUEUES, measureHold } from './hold.ts'
import { measureWindows } from './windows.ts'

const [task = '', size = ''] = process.argv.slice(2)
const count = Number(size)
const queue = HOLD_QUEUES[task]

if (queue !== undefined) {
  console.log(JSON.stringify(measureHold(queue, count)))
} else if (task === 'churn') {
  console.log(JSON.stringify(measureChurn(count)))
} else if (task === 'machines') {
  console.log(JSON.stringify(measureMachines(count)))
} else if (task === 'windows') {
  console.log(JSON.stringify(await measureWindows(count)))
} else {
  throw new RangeError(`No task is called ${task}`)
}
