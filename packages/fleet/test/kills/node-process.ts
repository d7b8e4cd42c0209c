/** A relay node as a process: `node node-process.ts ID CAPACITY PORT KEY`. */
import { serveNode } from '@skein/fleet/node'
import { TestNode } from '../test-node.ts'

const [id, capacity, port, key] = process.argv.slice(2) as [string, string, string, string]
const { url } = await serveNode({ agent: new TestNode(`${id}-${process.pid}`, Number(capacity)), key, port: Number(port) })
process.stdout.write(`${url}\n`)
