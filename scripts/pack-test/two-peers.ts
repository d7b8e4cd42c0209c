/** What an application would write: one peer serves a model, another finds it and prints the answer. Runs against the installed packages. */
import { createPeer } from '@skein/peer'

const server = await createPeer({ listen: ['/ip4/127.0.0.1/tcp/0'] })
await server.serve('echo', async function * () {
  yield 'hello'
  yield ' world'
})

const client = await createPeer({ listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap: server.addresses })
for await (const chunk of client.chat({ model: 'echo', messages: [{ role: 'user', content: 'hi' }] })) {
  process.stdout.write(chunk.text)
}
process.stdout.write('\n')

await client.stop()
await server.stop()
