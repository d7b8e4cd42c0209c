/** Keeps a node in a store: `store-process.ts PATH`. */
import { isBuiltin } from 'node:module'
import { openStore } from '@skein/fleet/node'
import { nodeSpec } from '../records.ts'

const store = await openStore(process.argv[2] as string)
await store.putNode(nodeSpec('a'))
console.log(`${isBuiltin('node:sqlite') ? 'node:sqlite' : 'no node:sqlite'}, nodes: ${(await store.nodes()).map(({ id }) => id).join(' ')}`)
await store.close()
