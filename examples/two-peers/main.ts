/** One peer serves a model that you write yourself, another finds it and calls it. */
import { createPeer } from '@skein/peer'

const server = await createPeer({ listen: ['/ip4/127.0.0.1/tcp/0'] })
await server.serve('countdown', async function * ({ body }, { signal }) {
  const from = Number((body.messages as Array<{ content: string }>).at(-1)?.content)
  for (let i = from; i > 0 && !signal.aborted; i--) {
    yield `${i}… `
  }
  yield 'go'
}, { contextTokens: 1_000, maxConcurrent: 4, deterministic: true })
console.log(`serving at ${server.addresses.join(', ')}`)

const client = await createPeer({ listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap: server.addresses })
for await (const offer of client.findModel('countdown')) {
  console.log(`offered by ${offer.peer}, ${offer.maxConcurrent} at once`)
}

const call = client.chat({ model: 'countdown', messages: [{ role: 'user', content: '5' }] })
for await (const text of call.textStream()) {
  process.stdout.write(text)
}
const { peer, path } = await call.route
console.log(`\nfrom ${peer}, ${path}`)

await client.stop()
await server.stop()
