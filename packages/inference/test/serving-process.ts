/** A process of its own that serves the model `m`: it says a few words and then nothing more. Prints its address. */
import { handlerBackend } from '../src/index.ts'
import { createNode } from './node-pair.ts'

const node = await createNode()
node.services.inference.addBackend(handlerBackend('m', async function * () {
  yield 'one '
  yield 'two '
  await new Promise(resolve => { setTimeout(resolve, 60_000) })
  yield 'three'
}))
console.log(String(node.getMultiaddrs()[0]))
