import { once } from 'node:events'
import { ManualClock } from '@skein/core'
import { expect } from 'chai'
import { InferenceError, openaiBackend } from '../src/index.ts'
import { chatChunk, createFakeOpenai, sendEvents, sendJson } from './fake-openai.ts'
import { until } from './node-pair.ts'
import type { InferenceEvent, InferenceRequest, InferenceTask } from '../src/index.ts'
import type { FakeOpenai } from './fake-openai.ts'

describe('a backend on an OpenAI-compatible server', () => {
  let fake: FakeOpenai

  beforeEach(async () => {
    fake = await createFakeOpenai()
  })

  afterEach(async () => {
    await fake.close()
  })

  const infer = async (task: InferenceTask = 'chat', body: InferenceRequest['body'] = {}) => {
    const events: InferenceEvent[] = []
    const { signal } = new AbortController()
    let error: unknown
    try {
      for await (const event of openaiBackend(fake.baseUrl).infer({ task, model: 'm', body }, { signal })) {
        events.push(event)
      }
    } catch (caught) {
      error = caught
    }
    return { events, error, text: events.map(event => event.type === 'delta' ? event.text : '').join('') }
  }

  it('lists models, with what the server says of them, and keeps the list for its life', async () => {
    const clock = new ManualClock()
    fake.models = [
      { id: 'a', max_model_len: 8192 }, { id: 'b', meta: { n_ctx: 4096 } }, { id: 'nomic-embed-text' }, { id: 7 }, { id: 'x'.repeat(200) }
    ]
    const backend = openaiBackend(`${fake.baseUrl}/`, { clock, modelsTtlMs: 1_000, maxConcurrent: 3, apiKey: 'k' })
    expect(await backend.models()).to.deep.equal([
      { id: 'a', tasks: ['chat', 'completion'], contextTokens: 8192, deterministic: false, maxConcurrent: 3 },
      { id: 'b', tasks: ['chat', 'completion'], contextTokens: 4096, deterministic: false, maxConcurrent: 3 },
      { id: 'nomic-embed-text', tasks: ['embedding'], contextTokens: 0, deterministic: false, maxConcurrent: 3 }
    ])
    expect(fake.seen[0]?.headers.authorization).to.equal('Bearer k')
    fake.models = [{ id: 'c' }]
    clock.advance(999)
    expect((await backend.models()).length).to.equal(3)
    clock.advance(1)
    expect((await backend.models()).map(({ id }) => id)).to.deep.equal(['c'])
  })

  it('serves only the models asked for, as far as the server has them', async () => {
    fake.models = [{ id: 'a' }, { id: 'b' }]
    const models = await openaiBackend(fake.baseUrl, { models: [{ id: 'a', contextTokens: 5, tasks: ['embedding'] }, 'gone'] }).models()
    expect(models).to.deep.equal([{ id: 'a', tasks: ['embedding'], contextTokens: 5, deterministic: false, maxConcurrent: 4 }])
  })

  it('streams a chat: head, text, usage, finish; and passes the body on', async () => {
    fake.answer = (_request, response) => {
      sendEvents(response, [
        chatChunk({ role: 'assistant', content: '' }, null, { system_fingerprint: 'fp' }),
        chatChunk({ content: 'Hé' }), chatChunk({ content: 'llo' }), chatChunk({}, 'stop'),
        { ...chatChunk({}), choices: [], usage: { total_tokens: 3 } }, '[DONE]'
      ])
    }
    const { events, error } = await infer('chat', { messages: [{ role: 'user', content: 'x' }], x_top: 1, stream: false, stream_options: { y: 2 } })
    expect(error).to.equal(undefined)
    expect(events).to.deep.equal([
      { type: 'head', head: { id: 'c1', created: 7, system_fingerprint: 'fp' } }, { type: 'delta', text: 'Hé' }, { type: 'delta', text: 'llo' },
      { type: 'finish', reason: 'stop' }, { type: 'usage', usage: { total_tokens: 3 } }
    ])
    expect(fake.seen[0]).to.deep.include({ path: '/v1/chat/completions', body: {
      messages: [{ role: 'user', content: 'x' }], x_top: 1, model: 'm', stream: true, stream_options: { y: 2, include_usage: true }
    } })
  })

  it('streams tool calls, and chunks whole that say more than text', async () => {
    const calls = [{ index: 0, id: 't', type: 'function', function: { name: 'f', arguments: '{' } }]
    const reasoning = chatChunk({ reasoning_content: 'hm', content: 'x' })
    const second = { ...chatChunk({}), choices: [{ index: 1, delta: { content: 'other' }, finish_reason: 'stop' }] }
    const chunks = [chatChunk({ tool_calls: calls }), reasoning, second, chatChunk({}, 'tool_calls'), '[DONE]']
    fake.answer = (_request, response) => { sendEvents(response, chunks) }
    expect((await infer()).events.slice(1)).to.deep.equal([
      { type: 'tool', calls },
      { type: 'delta', text: 'x', chunk: { choices: [{ index: 0, delta: { reasoning_content: 'hm', content: 'x' }, finish_reason: null }] } },
      { type: 'delta', text: '', chunk: { choices: [{ index: 1, delta: { content: 'other' }, finish_reason: 'stop' }] } },
      { type: 'finish', reason: 'tool_calls' }
    ])
  })

  it('streams a completion', async () => {
    const chunk = (text: string, reason: string | null = null) => ({ id: 'c', choices: [{ index: 0, text, logprobs: null, finish_reason: reason }] })
    fake.answer = (_request, response) => { sendEvents(response, [chunk('a'), chunk('b', 'length'), '[DONE]']) }
    const { events, text } = await infer('completion', { prompt: 'x' })
    expect(text).to.equal('ab')
    expect(events.at(-1)).to.deep.equal({ type: 'finish', reason: 'length' })
    expect(fake.seen[0]?.path).to.equal('/v1/completions')
  })

  it('takes a whole response from a server that does not stream', async () => {
    const message = { role: 'assistant', content: 'hello', tool_calls: [{ id: 't', type: 'function', function: { name: 'f', arguments: '{}' } }] }
    const body = { id: 'r', choices: [{ index: 0, message, finish_reason: 'stop' }], usage: { total_tokens: 1 } }
    fake.answer = (_request, response) => { sendJson(response, 200, body) }
    expect((await infer()).events).to.deep.equal([
      { type: 'head', head: { id: 'r' } }, { type: 'delta', text: 'hello' }, { type: 'tool', calls: [{ index: 0, ...message.tool_calls[0] }] },
      { type: 'usage', usage: { total_tokens: 1 } }, { type: 'finish', reason: 'stop' }
    ])
  })

  it('carries an embedding’s JSON in pieces', async () => {
    const body = { object: 'list', data: [{ index: 0, embedding: Array.from({ length: 20_000 }, (_, i) => i / 7) }], usage: { total_tokens: 2 } }
    fake.answer = (_request, response) => { sendJson(response, 200, body) }
    const { events, text, error } = await infer('embedding', { input: 'x', stream: true })
    expect(error).to.equal(undefined)
    expect(JSON.parse(text)).to.deep.equal(body)
    expect(events.filter(({ type }) => type === 'delta').length).to.be.above(5)
    expect(events.at(-1)).to.deep.equal({ type: 'usage', usage: { total_tokens: 2 } })
    expect(fake.seen[0]).to.deep.include({ path: '/v1/embeddings', body: { input: 'x', model: 'm' } })
  })

  it('takes [DONE] or a finish reason for the end, and nothing else', async () => {
    fake.answer = (_request, response) => { sendEvents(response, [chatChunk({ content: 'a' }), chatChunk({}, 'stop')]) }
    expect((await infer()).error).to.equal(undefined)
    fake.answer = (_request, response) => { sendEvents(response, [chatChunk({ content: 'a' }), '[DONE]']) }
    expect((await infer()).error).to.equal(undefined)
    fake.answer = (_request, response) => { sendEvents(response, [chatChunk({ content: 'a' })]) }
    expect(await infer()).to.nested.include({ text: 'a', 'error.code': 'backend_failed' })
  })

  it('fails when the connection breaks in the middle', async () => {
    fake.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`data: ${JSON.stringify(chatChunk({ content: 'a' }))}\n\n`)
      setTimeout(() => { response.destroy() }, 20)
    }
    expect(await infer()).to.nested.include({ text: 'a', 'error.code': 'backend_failed' })
  })

  it('fails when the server cannot be reached, without saying where it is', async () => {
    const { baseUrl } = fake
    await fake.close()
    const { error } = await infer()
    expect(error).to.be.instanceOf(InferenceError).and.include({ code: 'backend_failed' })
    expect((error as Error).message).to.not.contain(new URL(baseUrl).port)
    fake = await createFakeOpenai()
  })

  const error = (message: string): object => ({ error: { message } })
  const errors: Array<[string, number, unknown, Record<string, string>, object]> = [
    ['OpenAI’s context error', 400,
      error('This model\'s maximum context length is 4097 tokens. However, your messages resulted in 5000 tokens. Please …'), {},
      { code: 'context_length_exceeded', promptTokens: 5000, contextTokens: 4097 }],
    ['vLLM’s context error', 400,
      { object: 'error', message: 'This model\'s maximum context length is 2048 tokens. However, you requested 3000 tokens in the messages' }, {},
      { code: 'context_length_exceeded', promptTokens: 3000, contextTokens: 2048 }],
    ['a newer vLLM’s context error', 400,
      error('You passed 5001 input tokens and requested 100 output tokens. However, the model\'s context length is only 4096'), {},
      { code: 'context_length_exceeded', promptTokens: 5001, contextTokens: 4096 }],
    ['llama.cpp’s context error', 400,
      { error: { type: 'exceed_context_size_error', message: 'too long', n_prompt_tokens: 1234, n_ctx: 512 } }, {},
      { code: 'context_length_exceeded', promptTokens: 1234, contextTokens: 512 }],
    ['llama.cpp’s context error without fields', 400,
      error('request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it'), {},
      { code: 'context_length_exceeded', promptTokens: 5000, contextTokens: 4096 }],
    ['a context error without numbers', 400, { error: { message: 'prompt is too long', type: 'context_length_exceeded' } }, {},
      { code: 'context_length_exceeded', promptTokens: undefined, contextTokens: undefined }],
    ['another 400', 400, error('temperature must be below 2'), {},
      { code: 'invalid_request', message: 'temperature must be below 2', retryable: false }],
    ['401', 401, error('Incorrect API key provided: sk-123'), {},
      { code: 'backend_failed', message: 'The model server refused the credentials of this peer' }],
    ['404', 404, { error: 'model "m" not found, try pulling it first' }, {}, { code: 'model_not_found' }],
    ['429 with a time', 429, { error: { message: 'slow down' } }, { 'retry-after': '7' }, { code: 'busy', retryAfterMs: 7_000 }],
    ['429 without one', 429, {}, {}, { code: 'busy', retryAfterMs: 1_000 }],
    ['503 with a time', 503, {}, { 'retry-after': '2' }, { code: 'busy', retryAfterMs: 2_000 }],
    ['500', 500, error('CUDA error at /opt/x'), {},
      { code: 'backend_failed', message: 'The model server failed (500)', retryable: true }]
  ]
  for (const [name, status, body, headers, expected] of errors) {
    it(`understands ${name}`, async () => {
      fake.answer = (_request, response) => { sendJson(response, status, body, headers) }
      expect((await infer()).error).to.be.instanceOf(InferenceError).and.include(expected)
    })
  }

  it('understands an error in the middle of a stream', async () => {
    fake.answer = (_request, response) => { sendEvents(response, [chatChunk({ content: 'a' }), { error: { message: 'out of memory' } }]) }
    expect(await infer()).to.nested.include({ text: 'a', 'error.code': 'backend_failed' })
  })

  it('does without stream_options on a server that refuses them', async () => {
    const usual = fake.answer
    fake.answer = (request, response) => {
      if (request.body.stream_options != null) {
        sendJson(response, 400, { error: { message: 'Unknown parameter: stream_options' } })
      } else {
        void usual(request, response)
      }
    }
    const backend = openaiBackend(fake.baseUrl)
    for (let i = 0; i < 2; i++) {
      const events = await Array.fromAsync(backend.infer({ task: 'chat', model: 'm', body: {} }, { signal: new AbortController().signal }))
      expect(events.some(event => event.type === 'delta' && event.text === 'hi')).to.equal(true)
    }
    expect(fake.seen).to.have.length(3)
  })

  it('cancels the request to the server on abort, and when the consumer leaves', async () => {
    let closed = 0
    fake.answer = async (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`data: ${JSON.stringify(chatChunk({ content: 'a' }))}\n\n`)
      await once(response, 'close')
      closed++
    }
    const backend = openaiBackend(fake.baseUrl)
    const request: InferenceRequest = { task: 'chat', model: 'm', body: {} }
    for await (const event of backend.infer(request, { signal: new AbortController().signal })) {
      if (event.type === 'delta') {
        break
      }
    }
    await until(() => closed === 1)

    const controller = new AbortController()
    let error: unknown
    try {
      for await (const event of backend.infer(request, { signal: controller.signal })) {
        if (event.type === 'delta') {
          controller.abort()
        }
      }
    } catch (caught) {
      error = caught
    }
    expect(error).to.be.instanceOf(InferenceError).and.include({ code: 'cancelled' })
    await until(() => closed === 2)
  })
})
