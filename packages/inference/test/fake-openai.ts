/** An OpenAI-compatible HTTP server on loopback that answers as it is told. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface SeenRequest {
  path: string
  headers: IncomingHttpHeaders
  body: any
}

export interface FakeOpenai {
  baseUrl: string
  seen: SeenRequest[]
  /** What to answer to anything but `/v1/models` */
  answer: (request: SeenRequest, response: ServerResponse) => void | Promise<void>
  /** What `/v1/models` lists */
  models: object[]
  close: () => Promise<void>
}

export async function createFakeOpenai (): Promise<FakeOpenai> {
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of request) {
        chunks.push(chunk as Buffer)
      }
      const text = Buffer.concat(chunks).toString()
      const seen = { path: request.url ?? '', headers: request.headers, body: text === '' ? undefined : JSON.parse(text) }
      fake.seen.push(seen)
      if (seen.path === '/v1/models') {
        sendJson(response, 200, { object: 'list', data: fake.models })
      } else {
        await fake.answer(seen, response)
      }
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const fake: FakeOpenai = {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    seen: [],
    models: [{ id: 'm', object: 'model' }],
    answer: (_request, response) => { sendEvents(response, [chatChunk({ content: 'hi' }), chatChunk({}, 'stop'), '[DONE]']) },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
  return fake
}

export function chatChunk (delta: object, finishReason: string | null = null, extra: object = {}): object {
  return { id: 'c1', object: 'chat.completion.chunk', created: 7, model: 'up', choices: [{ index: 0, delta, finish_reason: finishReason }], ...extra }
}

export function sendEvents (response: ServerResponse, events: Array<object | string>): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
  response.end(events.map(event => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join(''))
}

export function sendJson (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}
