import { ManualClock, SeededRandom } from '@skein/core'
import { InferenceError } from '@skein/inference'
import type { InferenceEvent, JsonObject } from '@skein/inference'
import { expect } from 'chai'
import fc from 'fast-check'
import { openAIFetch } from '../../src/openai/index.ts'
import type { OpenAIFetch } from '../../src/openai/index.ts'
import { scriptedCaller } from './scripted-caller.ts'
import type { ScriptedCaller, Step } from './scripted-caller.ts'

const HELLO: InferenceEvent[] = [
  { type: 'head', head: { id: 'chatcmpl-up', system_fingerprint: 'fp1' } },
  { type: 'delta', text: 'Hel' },
  { type: 'delta', text: 'lo "you"\n' },
  { type: 'usage', usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } },
  { type: 'finish', reason: 'length' }
]
const CHAT = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }

function setUp (steps: Step[], models: Parameters<typeof scriptedCaller>[1] = []): { caller: ScriptedCaller, fetch: OpenAIFetch } {
  const caller = scriptedCaller(steps, models)
  return { caller, fetch: openAIFetch(caller, { clock: new ManualClock(1_700_000_000_500), random: new SeededRandom(1), maxBodyBytes: 2000 }) }
}

function post (fetch: OpenAIFetch, body: unknown, path = 'chat/completions', init: RequestInit = {}): Promise<Response> {
  return fetch(`http://skein.local/v1/${path}`, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), ...init })
}

/** The chunks of a stream, and whether it closed with `[DONE]`. Throws what the stream throws, with what came before. */
async function chunksOf (response: Response): Promise<{ chunks: any[], done: boolean, error?: any }> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const decoder = new TextDecoder()
  let text = ''
  let error
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) {
        break
      }
      text += decoder.decode(value, { stream: true })
    }
  } catch (thrown) {
    error = thrown
  }
  const events = text.split('\n\n').slice(0, -1)
  for (const event of events) {
    expect(event).to.match(/^data: /)
  }
  const done = events.at(-1) === 'data: [DONE]'
  return { chunks: (done ? events.slice(0, -1) : events).map((event) => JSON.parse(event.slice(6))), done, error }
}

describe('a chat that is not streamed', () => {
  it('is put together from its events', async () => {
    const { caller, fetch } = setUp(HELLO)
    const response = await post(fetch, { ...CHAT, unheard_of: { deep: [1] } })

    expect(response.status).to.equal(200)
    expect(response.headers.get('content-type')).to.equal('application/json')
    expect(response.headers.get('x-skein-peer')).to.equal('12D3KooWPeer')
    expect(response.headers.get('x-skein-path')).to.equal('direct')
    expect(response.headers.get('x-skein-attempts')).to.equal('2')
    expect(response.headers.get('x-request-id')).to.match(/^req_[0-9a-f]{24}$/)
    expect(await response.json()).to.deep.equal({
      id: 'chatcmpl-up',
      object: 'chat.completion',
      created: 1_700_000_000,
      model: 'm',
      system_fingerprint: 'fp1',
      choices: [{
        index: 0,
        message: { role: 'assistant', content: 'Hello "you"\n', refusal: null },
        logprobs: null,
        finish_reason: 'length'
      }],
      usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
    })
    expect(caller.requests).to.deep.equal([{ task: 'chat', model: 'm', body: { ...CHAT, unheard_of: { deep: [1] } } }])
  })

  it('has an id, a time and a finish reason of its own when the server names none', async () => {
    const { fetch } = setUp([{ type: 'delta', text: 'x' }])
    const body: any = await (await post(fetch, CHAT)).json()

    expect(body.id).to.match(/^chatcmpl-[0-9a-f]{24}$/)
    expect(body.created).to.equal(1_700_000_000)
    expect(body.choices[0].finish_reason).to.equal('stop')
    expect(body).not.to.have.property('usage')
  })

  it('is an answer too when it is empty', async () => {
    const { fetch } = setUp([])
    const body: any = await (await post(fetch, CHAT)).json()

    expect(body.choices).to.deep.equal([{ index: 0, message: { role: 'assistant', content: '', refusal: null }, logprobs: null, finish_reason: 'stop' }])
  })

  it('merges the deltas of tool calls by their index', async () => {
    const { fetch } = setUp([
      { type: 'tool', calls: [{ index: 1, id: 'b', type: 'function', function: { name: 'two', arguments: '' } }] },
      { type: 'tool', calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'one', arguments: '{"x"' } }] },
      { type: 'tool', calls: [{ index: 0, id: 'a', function: { name: 'one', arguments: ':1}' } }, { index: 1, function: { arguments: '{}' } }] },
      { type: 'finish', reason: 'tool_calls' }
    ])
    const body: any = await (await post(fetch, CHAT)).json()

    expect(body.choices[0]).to.deep.equal({
      index: 0,
      message: {
        role: 'assistant',
        content: null,
        refusal: null,
        tool_calls: [
          { id: 'a', type: 'function', function: { name: 'one', arguments: '{"x":1}' } },
          { id: 'b', type: 'function', function: { name: 'two', arguments: '{}' } }
        ]
      },
      logprobs: null,
      finish_reason: 'tool_calls'
    })
  })

  it('takes whole tool calls without an index as calls of their own', async () => {
    const { fetch } = setUp([{ type: 'tool', calls: [{ id: 'a', function: { name: 'f', arguments: '{}' } }, { id: 'b', function: { name: 'f', arguments: '{}' } }] }])
    const body: any = await (await post(fetch, CHAT)).json()

    expect(body.choices[0].message.tool_calls.map((call: any) => [call.id, call.type, call.function.arguments]))
      .to.deep.equal([['a', 'function', '{}'], ['b', 'function', '{}']])
    expect(body.choices[0].finish_reason).to.equal('tool_calls')
  })

  it('keeps several choices, log probabilities, reasoning and fields it does not know', async () => {
    const { fetch } = setUp([
      { type: 'delta', text: 'A', chunk: { service_tier: 'x', choices: [{ index: 0, delta: { role: 'assistant', content: 'A' }, logprobs: { content: [{ token: 'A', logprob: -1 }] } }] } },
      { type: 'delta', text: '', chunk: { choices: [{ index: 1, delta: { reasoning_content: 'hm', content: 'B' }, logprobs: null }] } },
      { type: 'delta', text: 'a', chunk: { choices: [{ index: 0, delta: { content: 'a' }, logprobs: { content: [{ token: 'a', logprob: -2 }] } }] } },
      { type: 'delta', text: '', chunk: { choices: [{ index: 1, delta: { reasoning_content: 'm', audio: { id: 'au', transcript: 'x' } }, finish_reason: 'length' }] } },
      { type: 'delta', text: '', chunk: { choices: [{ index: 1, delta: { audio: { id: 'au', transcript: 'y', expires_at: 5 } } }] } },
      { type: 'finish', reason: 'stop' }
    ])
    const body: any = await (await post(fetch, { ...CHAT, n: 2, logprobs: true })).json()

    expect(body.service_tier).to.equal('x')
    expect(body.choices).to.deep.equal([
      {
        index: 0,
        message: { role: 'assistant', content: 'Aa', refusal: null },
        logprobs: { content: [{ token: 'A', logprob: -1 }, { token: 'a', logprob: -2 }] },
        finish_reason: 'stop'
      },
      {
        index: 1,
        message: {
          role: 'assistant', content: 'B', refusal: null, reasoning_content: 'hmm', audio: { id: 'au', transcript: 'xy', expires_at: 5 }
        },
        logprobs: null,
        finish_reason: 'length'
      }
    ])
  })

  it('fails as a whole when the stream behind it fails midway', async () => {
    const { fetch } = setUp([{ type: 'delta', text: 'Hel' }, new InferenceError('stream_truncated', 'cut', { deltas: 1, peer: 'P' })])
    const response = await post(fetch, CHAT)

    expect(response.status).to.equal(502)
    expect(response.headers.get('x-skein-peer')).to.equal('P')
    expect(((await response.json()) as any).error).to.include({ type: 'server_error', code: 'stream_truncated', deltas: 1, peer: 'P' })
  })

  it('fails when the answer outgrows its bound, and stops the far side', async () => {
    const caller = scriptedCaller([{ type: 'delta', text: 'x'.repeat(60) }, { type: 'delta', text: 'y'.repeat(60) }, 'wait'])
    const response = await post(openAIFetch(caller, { maxAnswerChars: 100 }), CHAT)

    expect(response.status).to.equal(502)
    expect(response.headers.get('x-should-retry')).to.equal('false')
    expect(caller.signals[0]?.aborted).to.equal(true)
  })

  it('never lets a delta reach a prototype', async () => {
    const chunk = JSON.parse('{"choices":[{"index":0,"delta":{"__proto__":{"polluted":1},"content":"x"}}],"__proto__":{"polluted":1}}') as JsonObject
    const { fetch } = setUp([{ type: 'delta', text: 'x', chunk }])
    const body: any = await (await post(fetch, CHAT)).json()

    expect(body.choices[0].message).to.deep.equal({ role: 'assistant', content: 'x', refusal: null })
    expect(({} as any).polluted).to.equal(undefined)
  })
})

describe('a chat that is streamed', () => {
  it('is one chunk for the role, one for each delta, one for the end, and [DONE]', async () => {
    const { fetch } = setUp(HELLO)
    const response = await post(fetch, { ...CHAT, stream: true })
    const { chunks, done } = await chunksOf(response)
    const base = { id: 'chatcmpl-up', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'm', system_fingerprint: 'fp1' }
    const chunk = (delta: unknown, reason: string | null = null): unknown =>
      ({ ...base, choices: [{ index: 0, delta, logprobs: null, finish_reason: reason }] })

    expect(response.headers.get('content-type')).to.equal('text/event-stream; charset=utf-8')
    expect(response.headers.get('x-skein-attempts')).to.equal('2')
    expect(chunks).to.deep.equal([
      chunk({ role: 'assistant', content: '' }), chunk({ content: 'Hel' }), chunk({ content: 'lo "you"\n' }), chunk({}, 'length')
    ])
    expect(done).to.equal(true)
  })

  it('tells the usage last, and only to who asked', async () => {
    const { fetch } = setUp(HELLO)
    const { chunks, done } = await chunksOf(await post(fetch, { ...CHAT, stream: true, stream_options: { include_usage: true } }))

    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).to.equal(true)
    expect(chunks.at(-1)).to.deep.include({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } })
    expect(chunks.at(-2).choices[0].finish_reason).to.equal('length')
    expect(done).to.equal(true)
  })

  it('passes tool calls and whole chunks through, and names the role of each choice once', async () => {
    const { fetch } = setUp([
      { type: 'delta', text: '', chunk: { choices: [{ index: 1, delta: { content: 'B' }, finish_reason: null }], odd: 1 } },
      { type: 'delta', text: '', chunk: { choices: [{ index: 1, delta: { content: 'b' }, finish_reason: 'stop' }] } },
      { type: 'tool', calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '' } }] }
    ])
    const { chunks } = await chunksOf(await post(fetch, { ...CHAT, stream: true, n: 2 }))

    expect(chunks.map((chunk) => chunk.choices[0].delta)).to.deep.equal([
      { role: 'assistant', content: 'B' },
      { content: 'b' },
      { role: 'assistant', content: '' },
      { tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '' } }] },
      {}
    ])
    expect(chunks[0].odd).to.equal(1)
    expect(chunks.at(-1).choices[0].finish_reason).to.equal('tool_calls')
  })

  it('says no second finish reason after one that a chunk brought', async () => {
    const { fetch } = setUp([
      { type: 'delta', text: 'A', chunk: { choices: [{ index: 0, delta: { content: 'A' }, finish_reason: 'stop' }] } },
      { type: 'finish', reason: 'stop' }
    ])
    const { chunks } = await chunksOf(await post(fetch, { ...CHAT, stream: true }))

    expect(chunks.filter((chunk) => chunk.choices[0].finish_reason != null)).to.have.length(1)
  })

  it('that fails before its first event has the status of the failure', async () => {
    const { fetch } = setUp([new InferenceError('busy', 'full', { retryAfterMs: 1200 })])
    const response = await post(fetch, { ...CHAT, stream: true })

    expect(response.status).to.equal(429)
    expect(response.headers.get('content-type')).to.equal('application/json')
  })

  it('that fails midway says so in an event, then fails itself, and never says [DONE]', async () => {
    const { fetch } = setUp([{ type: 'delta', text: 'Hel' }, new InferenceError('stream_truncated', 'cut', { deltas: 1 })])
    const { chunks, done, error } = await chunksOf(await post(fetch, { ...CHAT, stream: true }))

    expect(done).to.equal(false)
    expect(chunks.at(-1).error).to.include({ code: 'stream_truncated', message: 'cut' })
    expect(error).to.be.instanceOf(InferenceError)
  })

  it('is pulled: an answer that nobody reads is not asked on', async () => {
    const steps = Array.from({ length: 50 }, (): InferenceEvent => ({ type: 'delta', text: 'x' }))
    const { caller, fetch } = setUp(steps)
    const response = await post(fetch, { ...CHAT, stream: true })
    const reader = (response.body as ReadableStream).getReader()

    await reader.read()
    await reader.read()
    await Promise.resolve()
    expect(caller.taken).to.equal(2)
    await reader.cancel()
  })

  it('is cancelled on the far side when the reader cancels', async () => {
    const { caller, fetch } = setUp([{ type: 'delta', text: 'x' }, 'wait'])
    const reader = ((await post(fetch, { ...CHAT, stream: true })).body as ReadableStream).getReader()

    await reader.read()
    const pending = reader.read()
    await reader.cancel('enough')
    expect((await pending).done).to.equal(true)
    expect(caller.signals[0]?.aborted).to.equal(true)
    expect(caller.signals[0]?.reason).to.equal('enough')
  })

  it('that is cancelled between two deltas ends the iteration', async () => {
    const { caller, fetch } = setUp([{ type: 'delta', text: 'x' }, { type: 'delta', text: 'y' }])
    const reader = ((await post(fetch, { ...CHAT, stream: true })).body as ReadableStream).getReader()

    await reader.read()
    await reader.cancel()
    await Promise.resolve()
    expect(caller.returned).to.equal(1)
  })

  it('fails with the reason of the signal when that fires, without an event of its own', async () => {
    const { caller, fetch } = setUp([{ type: 'delta', text: 'x' }, 'wait'])
    const controller = new AbortController()
    const reader = ((await post(fetch, { ...CHAT, stream: true }, undefined, { signal: controller.signal })).body as ReadableStream).getReader()

    await reader.read()
    const pending = reader.read().then(() => 'read', (error: unknown) => error)
    controller.abort()
    expect(await pending).to.equal(controller.signal.reason)
    expect(caller.signals[0]?.reason).to.equal(controller.signal.reason)
  })

  it('and the whole answer say the same, whatever the pieces', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 8 }), async (pieces) => {
      const steps = pieces.map((text): InferenceEvent => ({ type: 'delta', text }))
      const whole: any = await (await post(setUp(steps).fetch, CHAT)).json()
      const { chunks } = await chunksOf(await post(setUp(steps).fetch, { ...CHAT, stream: true }))

      expect(whole.choices[0].message.content).to.equal(pieces.join(''))
      expect(chunks.map((chunk) => chunk.choices[0].delta.content ?? '').join('')).to.equal(pieces.join(''))
    }), { numRuns: 50 })
  })
})

describe('a completion', () => {
  it('is put together from its events', async () => {
    const { caller, fetch } = setUp([
      { type: 'delta', text: 'one ' },
      { type: 'delta', text: 'two', chunk: { choices: [{ index: 0, text: 'two', logprobs: { tokens: ['two'], text_offset: [4] } }] } },
      { type: 'finish', reason: 'stop' }
    ])
    const body: any = await (await post(fetch, { model: 'm', prompt: 'count' }, 'completions')).json()

    expect(body.id).to.match(/^cmpl-/)
    expect(body).to.deep.include({
      object: 'text_completion',
      choices: [{ index: 0, text: 'one two', logprobs: { tokens: ['two'], text_offset: [4] }, finish_reason: 'stop' }]
    })
    expect(caller.requests[0]?.task).to.equal('completion')
  })

  it('streams text', async () => {
    const { fetch } = setUp([{ type: 'delta', text: 'one' }, { type: 'finish', reason: 'length' }])
    const { chunks, done } = await chunksOf(await post(fetch, { model: 'm', prompt: ['a', 'b'], stream: true }, 'completions'))

    expect(chunks.map((chunk) => chunk.choices)).to.deep.equal([
      [{ index: 0, text: 'one', logprobs: null, finish_reason: null }],
      [{ index: 0, text: '', logprobs: null, finish_reason: 'length' }]
    ])
    expect(chunks[0].object).to.equal('text_completion')
    expect(done).to.equal(true)
  })
})

describe('an embedding', () => {
  const RESPONSE = '{"object":"list","model":"e","data":[{"object":"embedding","index":0,"embedding":[1,-0.5]}],"usage":{"prompt_tokens":1}}'
  const pieces: InferenceEvent[] = [{ type: 'delta', text: RESPONSE.slice(0, 30) }, { type: 'delta', text: RESPONSE.slice(30) }]

  it('is the JSON that its deltas spell', async () => {
    const { caller, fetch } = setUp(pieces)
    const response = await post(fetch, { model: 'e', input: 'x' }, 'embeddings')

    expect(await response.text()).to.equal(RESPONSE)
    expect(response.headers.get('x-skein-path')).to.equal('direct')
    expect(caller.requests[0]?.task).to.equal('embedding')
  })

  it('is packed as base64 for a client that asked so of a server that does not know it', async () => {
    const { fetch } = setUp(pieces)
    const body: any = await (await post(fetch, { model: 'e', input: 'x', encoding_format: 'base64' }, 'embeddings')).json()
    const bytes = Uint8Array.from(atob(body.data[0].embedding), (char) => char.charCodeAt(0))

    expect([...new Float32Array(bytes.buffer)]).to.deep.equal([1, -0.5])
    expect(body.usage).to.deep.equal({ prompt_tokens: 1 })
  })

  it('keeps base64 as it comes', async () => {
    const text = RESPONSE.replace('[1,-0.5]', '"AACAPw=="')
    const { fetch } = setUp([{ type: 'delta', text }])
    const response = await post(fetch, { model: 'e', input: 'x', encoding_format: 'base64' }, 'embeddings')

    expect(await response.text()).to.equal(text)
  })

  for (const text of ['', '[1]', '{"data":1}', RESPONSE.slice(1)]) {
    it(`is a failure when the server answers ${JSON.stringify(text.slice(0, 20))}`, async () => {
      const { fetch } = setUp([{ type: 'delta', text }])
      const response = await post(fetch, { model: 'e', input: 'x' }, 'embeddings')

      expect(response.status).to.equal(502)
    })
  }
})

describe('the list of models', () => {
  const MODELS = [
    { id: 'org/b', tasks: ['chat'], providers: 2, contextTokens: 4096, regions: ['eu-west'], deterministic: true },
    { id: 'a', tasks: ['embedding'], providers: 1, contextTokens: 0, regions: [] }
  ]
  const B = {
    id: 'org/b',
    object: 'model',
    created: 0,
    owned_by: 'skein',
    context_length: 4096,
    skein: { tasks: ['chat'], providers: 2, regions: ['eu-west'], deterministic: true }
  }

  it('is sorted and says what the mesh knows', async () => {
    const body: any = await (await setUp([], MODELS).fetch('http://x/v1/models')).json()

    expect(body.object).to.equal('list')
    expect(body.data).to.deep.equal([{ id: 'a', object: 'model', created: 0, owned_by: 'skein', skein: { tasks: ['embedding'], providers: 1, regions: [] } }, B])
  })

  for (const path of ['org/b', 'org%2Fb']) {
    it(`finds one as ${path}`, async () => {
      expect(await (await setUp([], MODELS).fetch(`http://x/v1/models/${path}`)).json()).to.deep.equal(B)
    })
  }

  it('is 404 for a model nobody offers', async () => {
    const response = await setUp([], MODELS).fetch('http://x/v1/models/none')

    expect(response.status).to.equal(404)
    expect(((await response.json()) as any).error).to.include({ code: 'model_not_found', param: 'model', type: 'invalid_request_error' })
  })
})

describe('a request', () => {
  for (const url of ['http://skein/v1/chat/completions', 'http://a:1/deep/v1/chat/completions', 'http://a/chat/completions', '/v1/chat/completions', 'https://a/v1/chat/completions/?x=1']) {
    it(`reaches the model under ${url}`, async () => {
      const { fetch } = setUp(HELLO)
      expect((await fetch(url, { method: 'post', body: JSON.stringify(CHAT) })).status).to.equal(200)
    })
  }

  const text = JSON.stringify(CHAT)
  const forms: Array<[string, BodyInit]> = [
    ['a Uint8Array', new TextEncoder().encode(text)],
    ['a Blob', new Blob([text])],
    ['a stream', new Blob([text]).stream()]
  ]
  for (const [name, body] of forms) {
    it(`may carry its body as ${name}`, async () => {
      const { caller, fetch } = setUp(HELLO)
      expect((await fetch('http://a/v1/chat/completions', { method: 'POST', body })).status).to.equal(200)
      expect(caller.requests[0]?.body).to.deep.equal(CHAT)
    })
  }

  it('may be a Request', async () => {
    const { caller, fetch } = setUp(HELLO)
    const response = await fetch(new Request('http://a/v1/chat/completions', { method: 'POST', body: text }))

    expect(response.status).to.equal(200)
    expect(caller.requests[0]?.body).to.deep.equal(CHAT)
  })

  const message = [{ role: 'user' }]
  const cases: Array<[string, string, string, unknown, number, string, string | null]> = [
    ['an unknown path', 'POST', 'images', {}, 404, 'unknown_url', null],
    ['GET where POST is due', 'GET', 'chat/completions', undefined, 405, 'method_not_allowed', null],
    ['POST where GET is due', 'POST', 'models', {}, 405, 'method_not_allowed', null],
    ['a broken escape', 'GET', 'models/%E0%A4', undefined, 400, 'invalid_url', null],
    ['no JSON', 'POST', 'chat/completions', '{"model"', 400, 'invalid_json', null],
    ['an empty body', 'POST', 'chat/completions', '', 400, 'invalid_json', null],
    ['an array', 'POST', 'chat/completions', [], 400, 'invalid_json', null],
    ['null', 'POST', 'chat/completions', null, 400, 'invalid_json', null],
    ['no model', 'POST', 'chat/completions', { messages: message }, 400, 'invalid_request', 'model'],
    ['a model that is a number', 'POST', 'embeddings', { model: 1, input: 'x' }, 400, 'invalid_request', 'model'],
    ['a model id that no offer can hold', 'POST', 'chat/completions', { model: 'x'.repeat(129), messages: message }, 400, 'invalid_request', 'model'],
    ['no messages', 'POST', 'chat/completions', { model: 'm' }, 400, 'invalid_request', 'messages'],
    ['empty messages', 'POST', 'chat/completions', { model: 'm', messages: [] }, 400, 'invalid_request', 'messages'],
    ['a message without a role', 'POST', 'chat/completions', { model: 'm', messages: [{ role: 'user' }, { content: 'x' }] }, 400, 'invalid_request', 'messages[1]'],
    ['messages of text', 'POST', 'chat/completions', { model: 'm', messages: 'hi' }, 400, 'invalid_request', 'messages'],
    ['no prompt', 'POST', 'completions', { model: 'm' }, 400, 'invalid_request', 'prompt'],
    ['no input', 'POST', 'embeddings', { model: 'm', input: [] }, 400, 'invalid_request', 'input'],
    ['stream that is text', 'POST', 'chat/completions', { ...CHAT, stream: 'true' }, 400, 'invalid_request', 'stream'],
    ['n of nothing', 'POST', 'chat/completions', { ...CHAT, n: 0 }, 400, 'invalid_request', 'n'],
    ['stream_options that are a list', 'POST', 'chat/completions', { ...CHAT, stream_options: [] }, 400, 'invalid_request', 'stream_options'],
    ['include_usage that is a number', 'POST', 'chat/completions', { ...CHAT, stream_options: { include_usage: 1 } }, 400, 'invalid_request', 'stream_options.include_usage'],
    ['too large a body', 'POST', 'chat/completions', { ...CHAT, padding: 'x'.repeat(2000) }, 413, 'request_too_large', null],
    ['too large a body of wide characters', 'POST', 'chat/completions', { ...CHAT, padding: '€'.repeat(700) }, 413, 'request_too_large', null]
  ]
  for (const [name, method, path, body, status, code, param] of cases) {
    it(`with ${name} is refused with ${status} and never reaches a model`, async () => {
      const { caller, fetch } = setUp(HELLO)
      const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
      const response = await fetch(`http://a/v1/${path}`, { method, body: text })
      const { error } = await response.json() as any

      expect([response.status, error.code, error.param]).to.deep.equal([status, code, param])
      expect(error.type).to.equal('invalid_request_error')
      expect(error.message).to.be.a('string')
      expect(caller.requests).to.have.length(0)
    })
  }

  it('says which method it wants', async () => {
    expect((await setUp([]).fetch('http://a/v1/models', { method: 'DELETE' })).headers.get('allow')).to.equal('GET')
  })

  for (const [name, body] of [['bytes', new Uint8Array([0x22, 0xff, 0x22])], ['a stream', new Blob([new Uint8Array([0x22, 0xff])]).stream()]] as Array<[string, BodyInit]>) {
    it(`of ${name} that are not UTF-8 is refused`, async () => {
      expect((await setUp([]).fetch('http://a/v1/embeddings', { method: 'POST', body })).status).to.equal(400)
    })
  }

  it('whose stream outgrows the limit is refused', async () => {
    const body = new Blob(['x'.repeat(3000)]).stream()
    expect((await setUp([]).fetch('http://a/v1/embeddings', { method: 'POST', body })).status).to.equal(413)
  })

  it('that was aborted before it began never reaches a model', async () => {
    const { caller, fetch } = setUp(HELLO)
    const error = await post(fetch, CHAT, undefined, { signal: AbortSignal.abort('no') }).catch((error: unknown) => error)

    expect(error).to.equal('no')
    expect(caller.requests).to.have.length(0)
  })

  for (const stream of [true, false]) {
    it(`that is aborted before the first event rejects and cancels the call (stream: ${stream})`, async () => {
      const { caller, fetch } = setUp(['wait'])
      const controller = new AbortController()
      const pending = post(fetch, { ...CHAT, stream }, undefined, { signal: controller.signal }).catch((error: unknown) => error)

      while (caller.taken === 0) {
        await Promise.resolve()
      }
      controller.abort()
      expect(await pending).to.equal(controller.signal.reason)
      expect(caller.signals[0]?.aborted).to.equal(true)
    })
  }

  it('lets an observer see each event', async () => {
    const { fetch } = setUp(HELLO)
    const seen: InferenceEvent[] = []
    await fetch('http://a/v1/chat/completions', { method: 'POST', body: JSON.stringify(CHAT), observe: (event) => { seen.push(event) } })

    expect(seen).to.deep.equal(HELLO)
  })

  it('never carries what a peer made up into a header', async () => {
    const fetch = openAIFetch(scriptedCaller(HELLO, [], { peer: 'a\r\nb: c', path: 'dïrect', attempts: 1 }))
    const response = await post(fetch, CHAT)

    expect(response.headers.get('x-skein-peer')).to.equal('a??b: c')
    expect(response.headers.get('x-skein-path')).to.equal('d?rect')
  })
})
