/** The official `openai` package, with the mesh behind it instead of a server: no HTTP, no port. */
import { smokeBackend } from '@skein/smoke-model'
import { createTestnet } from '@skein/testnet'
import OpenAI from 'openai'

const net = await createTestnet({ peers: 3 })
const [a, b, c] = net.peers
const backend = smokeBackend()
await a?.serve(backend)
await b?.serve(backend)

const openai = new OpenAI({ baseURL: 'http://mesh/v1', apiKey: 'none', fetch: c?.fetch })
const stream = await openai.chat.completions.create({
  model: 'skein-smoke-1',
  messages: [{ role: 'user', content: 'Tell me of the whale.' }],
  max_tokens: 60,
  stream: true
})
for await (const chunk of stream) {
  process.stdout.write(chunk.choices[0]?.delta.content ?? '')
}
console.log()

for await (const model of openai.models.list()) {
  console.log(`model: ${model.id}`)
}
await net.stop()
