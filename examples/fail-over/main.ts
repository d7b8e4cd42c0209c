/** A provider dies in mid-answer. The model is deterministic, so another peer goes on where the first stopped. */
import { smokeBackend } from '@skein/smoke-model'
import { createTestnet } from '@skein/testnet'

const net = await createTestnet({ peers: 4 })
const servers = net.peers.slice(0, 2)
const client = net.peers[3]
for (const server of servers) {
  await server.serve(smokeBackend({ tokensPerSecond: 50 }))
}
client?.addEventListener('call:attempt', ({ detail: { peer, attempt, deltas, error } }) => {
  const outcome = error == null ? 'delivered the rest' : `failed with ${error.code} after ${deltas} pieces`
  console.log(`\n[attempt ${attempt}: ${peer.slice(-6)} ${outcome}]`)
})

const body = { model: 'skein-smoke-1', max_tokens: 40, messages: [{ role: 'user', content: 'The ship sailed' }] }
const undisturbed = await client?.chat(body).text()

const call = client?.chat(body, { resume: true })
let answer = ''
let pieces = 0
for await (const text of call?.textStream() ?? []) {
  process.stdout.write(text)
  answer += text
  if (++pieces === 10) {
    const route = await call?.route
    await servers.find(server => server.id === route?.peer)?.stop()
  }
}

console.log(answer === undisturbed ? '\nthe answer is whole, and the same as without the failure' : '\nTHE ANSWERS DIFFER')
process.exitCode = answer === undisturbed ? 0 : 1
await net.stop()
