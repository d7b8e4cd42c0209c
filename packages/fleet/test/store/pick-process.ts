/** A process that takes places for many sessions at once: `node pick-process.ts URL FIRST COUNT`. Says `ready`, waits for a line, prints its picks. */
import { once } from 'node:events'
import { openStore } from '@skein/fleet/node'
import { MONTH } from '../records.ts'

const [url, first, count] = process.argv.slice(2)
const store = await openStore(url as string, { maxConnections: 20 })
process.stdout.write('ready\n')
await once(process.stdin, 'data')
const picks = await Promise.all(Array.from({ length: Number(count) }, async (_, at) => {
  const sessionId = `s${Number(first) + at}`
  const assignment = await store.assign({ sessionId, fence: 1, region: at % 2 === 0 ? 'eu-west' : '', month: MONTH, nowMs: at })
  return [sessionId, assignment?.nodeId]
}))
process.stdout.write(`${JSON.stringify(picks)}\n`)
await store.close()
process.exit(0)
