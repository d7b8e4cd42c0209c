/** A server with OpenAI's interface that gives `max_tokens` tokens at a steady pace, as a GPU does that is not at its limit. */
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { benchOptions, benchReady } from './bench-process.ts'

const { prefillMs, tokensPerSecond } = benchOptions<{ prefillMs: number, tokensPerSecond: number }>()
const MODEL = 'paced'

const server = createServer({ noDelay: true }, (request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => { chunks.push(chunk) })
  request.on('end', () => {
    if (request.method === 'GET') {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ object: 'list', data: [{ id: MODEL, object: 'model', created: 0, owned_by: 'bench', max_model_len: 8192 }] }))
      return
    }
    const body = JSON.parse(Buffer.concat(chunks).toString()) as { max_tokens: number, stream_options?: { include_usage?: boolean } }
    generate(response, body.max_tokens, body.stream_options?.include_usage === true)
  })
})

/** Each token has its time from the start, so that a late timer does not slow the stream down. */
function generate (response: ServerResponse, tokens: number, includeUsage: boolean): void {
  const head = { id: 'chatcmpl-paced', object: 'chat.completion.chunk', created: 1_700_000_000, model: MODEL, system_fingerprint: 'fp_paced' }
  const send = (fields: object): void => { response.write(`data: ${JSON.stringify({ ...head, ...fields })}\n\n`) }
  const choice = (delta: object, reason: string | null = null): object => ({ choices: [{ index: 0, delta, finish_reason: reason }] })
  const startMs = performance.now()
  let sent = 0

  const step = (): void => {
    if (response.destroyed) {
      return
    }
    // a timer may fire a little early; the first token is due then all the same
    const dueTokens = Math.min(tokens, 1 + Math.max(0, Math.floor((performance.now() - startMs - prefillMs) * tokensPerSecond / 1000)))
    if (sent === 0) {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      send(choice({ role: 'assistant', content: '' }))
    }
    for (; sent < dueTokens; sent++) {
      send(choice({ content: ` token${sent}` }))
    }
    if (sent < tokens) {
      const dueMs = startMs + prefillMs + sent * 1000 / tokensPerSecond
      setTimeout(step, Math.max(1, dueMs - performance.now()))
      return
    }
    send(choice({}, 'stop'))
    if (includeUsage) {
      send({ choices: [], usage: { prompt_tokens: 10, completion_tokens: tokens, total_tokens: 10 + tokens } })
    }
    response.end('data: [DONE]\n\n')
  }
  setTimeout(step, prefillMs)
}

server.listen(0, '127.0.0.1', () => {
  benchReady({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` })
})
