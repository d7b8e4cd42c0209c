/** The thread of a part pool: runs the parts it is told, one at a time. */
import { parentPort, workerData } from 'node:worker_threads'
import { failureOf } from './thread.ts'
import type { FromPart, PartContext, PartThreadData } from './part-pool.ts'

const { module, name, ...rest } = workerData as PartThreadData
const send = (message: FromPart): void => { parentPort?.postMessage(message, []) }

parentPort?.on('message', ({ part }: { part: number }) => {
  run(part).catch(error => { parentPort?.postMessage(failureOf(error), []) })
})

async function run (part: number): Promise<void> {
  const loaded = await import(module) as Record<string, unknown>
  const runPart = loaded[name]
  if (typeof runPart !== 'function') {
    throw new TypeError(`${module} does not export a function ${name}`)
  }
  const context: PartContext<unknown> = { ...rest, part, progress: share => { send({ type: 'progress', part, share }) } }
  send({ type: 'done', part, result: await runPart(context) })
}
