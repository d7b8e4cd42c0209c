/** One figure of lookups in a process of its own: `lookups-child.ts TASK SIZE` writes one line of JSON. */
import { measureLookupsUnderChurn, measureStorageFree } from './lookups.ts'

const [task = '', size = ''] = process.argv.slice(2)
const count = Number(size)

if (task === 'churn-lookups') {
  console.log(JSON.stringify(measureLookupsUnderChurn(count)))
} else if (task === 'maintained-lookups') {
  console.log(JSON.stringify(measureLookupsUnderChurn(count, { maintenance: true, natShare: 0.517 })))
} else if (task === 'storage-free-lookups') {
  console.log(JSON.stringify(measureStorageFree(count)))
} else {
  throw new RangeError(`No task is called ${task}`)
}
