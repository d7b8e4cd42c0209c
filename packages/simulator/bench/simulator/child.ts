/** One figure in a process of its own: `child.ts TASK SIZE` writes one line of JSON. */
import { measureChurn } from './churn.ts'
import { measureLookupsUnderChurn, measureStorageFree } from './lookups.ts'
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
} else if (task === 'churn-lookups') {
  console.log(JSON.stringify(measureLookupsUnderChurn(count)))
} else if (task === 'maintained-lookups') {
  console.log(JSON.stringify(measureLookupsUnderChurn(count, { maintenance: true, natShare: 0.517 })))
} else if (task === 'storage-free-lookups') {
  console.log(JSON.stringify(measureStorageFree(count)))
} else {
  throw new RangeError(`No task is called ${task}`)
}
