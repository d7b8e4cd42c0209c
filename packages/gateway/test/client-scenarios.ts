/** What OpenAI's own client and the `ai` SDK must see through any gateway behind which a `ScriptedBackend` serves. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { APICallError, embedMany, generateText, jsonSchema, streamText, tool } from 'ai'
import { expect } from 'chai'
import OpenAI from 'openai'
import { BREAK_MESSAGE, BUSY_RETRY_MS } from './scripted-backend.ts'
import type { ScriptedBackend } from './scripted-backend.ts'

export interface ClientSetting {
  baseURL: string
  backend: ScriptedBackend
  apiKey?: string
  /** Instead of a connection to `baseURL` */
  fetch?: typeof fetch
  stop: () => Promise<void>
}

const PARAMETERS = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } as const
const TEXT = 'The quick brown fox – "jumps" över 🦊'

/** Defines the tests; `setUp` runs once for each of the two clients. */
export function clientScenarios (name: string, setUp: () => Promise<ClientSetting>): void {
  describe(`the openai package through ${name}`, () => { openAIScenarios(setUp) })
  describe(`the ai SDK through ${name}`, () => { aiScenarios(setUp) })
}

/** What `run` throws; fails when it does not. */
async function thrownBy (run: () => Promise<unknown>): Promise<any> {
  let result
  try {
    result = await run()
  } catch (error) {
    return error
  }
  expect.fail(`nothing was thrown but ${JSON.stringify(result)} returned`)
}

function openAIScenarios (setUp: () => Promise<ClientSetting>): void {
  let setting: ClientSetting
  let client: OpenAI
  const ask = (model: string, content = TEXT): { model: string, messages: Array<{ role: 'user', content: string }> } =>
    ({ model, messages: [{ role: 'user', content }] })

  before(async () => {
    setting = await setUp()
    client = new OpenAI({ baseURL: setting.baseURL, apiKey: setting.apiKey ?? 'none', fetch: setting.fetch, maxRetries: 0 })
  })
  after(async () => { await setting.stop() })

  it('gets a whole answer, and learns which way it came', async () => {
    const { data, response } = await client.chat.completions.create(ask('echo')).withResponse()

    expect(data.choices[0]?.message.content).to.equal(TEXT)
    expect(data.choices[0]?.finish_reason).to.equal('stop')
    expect(data.usage).to.deep.include({ prompt_tokens: 7, completion_tokens: 8 })
    expect(response.headers.get('x-skein-peer')).to.be.a('string')
    expect(response.headers.get('x-skein-path')).to.be.a('string')
    expect(Number(response.headers.get('x-skein-attempts'))).to.be.at.least(1)
    expect(response.headers.get('x-request-id')).to.match(/^req_/)
  })

  it('streams an answer with its usage', async () => {
    const stream = await client.chat.completions.create({ ...ask('echo'), stream: true, stream_options: { include_usage: true } })
    let text = ''
    let reason
    let usage
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      reason = chunk.choices[0]?.finish_reason ?? reason
      usage = chunk.usage ?? usage
    }

    expect(text).to.equal(TEXT)
    expect(reason).to.equal('stop')
    expect(usage).to.deep.include({ total_tokens: 15 })
  })

  it('completes a prompt, whole and streamed', async () => {
    const whole = await client.completions.create({ model: 'echo', prompt: TEXT })
    let text = ''
    for await (const chunk of await client.completions.create({ model: 'echo', prompt: TEXT, stream: true })) {
      text += chunk.choices[0]?.text ?? ''
    }

    expect(whole.choices[0]?.text).to.equal(TEXT)
    expect(text).to.equal(TEXT)
  })

  const tools = [{ type: 'function' as const, function: { name: 'weather', parameters: PARAMETERS } }]

  it('is asked to call a tool', async () => {
    const answer = await client.chat.completions.create({ ...ask('tools'), tools, tool_choice: 'required' })
    const sent = setting.backend.requests.at(-1)?.body

    expect(answer.choices[0]?.finish_reason).to.equal('tool_calls')
    expect(answer.choices[0]?.message.content).to.equal(null)
    expect(answer.choices[0]?.message.tool_calls).to.deep.equal([{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Łódź"}' } }])
    expect(sent?.tools).to.deep.equal(tools)
    expect(sent?.tool_choice).to.equal('required')
  })

  it('is asked to call a tool in a stream', async () => {
    const message = await client.chat.completions.stream({ ...ask('tools'), tools }).finalMessage()

    expect(message.tool_calls?.[0]).to.deep.include({ id: 'call_1', type: 'function' })
    expect((message.tool_calls?.[0] as any).function.arguments).to.equal('{"city":"Łódź"}')
  })

  it('sends fields that the mesh does not know', async () => {
    await client.chat.completions.create({ ...ask('echo'), response_format: { type: 'json_object' }, brand_new: [1] } as any)

    expect(setting.backend.requests.at(-1)?.body).to.deep.include({ response_format: { type: 'json_object' }, brand_new: [1] })
  })

  it('gets embeddings', async () => {
    const { data, usage } = await client.embeddings.create({ model: 'vectors', input: ['a', 'four'] })

    expect(data.map(({ embedding }) => [...embedding])).to.deep.equal([[1, 0.5, -0.25], [4, 0.5, -0.25]])
    expect(usage.prompt_tokens).to.equal(3)
  })

  it('lists the models', async () => {
    const ids = (await client.models.list()).data.map(({ id }) => id)

    expect(ids).to.include.members(['broken', 'echo', 'tools', 'vectors'])
    expect((await client.models.retrieve('echo')).id).to.equal('echo')
  })

  it('learns that a model does not exist', async () => {
    const error = await thrownBy(() => client.chat.completions.create(ask('no-such-model')))

    expect(error).to.be.instanceOf(OpenAI.NotFoundError)
    expect(error.code).to.equal('model_not_found')
    expect(await thrownBy(() => client.models.retrieve('no-such-model'))).to.be.instanceOf(OpenAI.NotFoundError)
  })

  for (const stream of [false, true]) {
    it(`learns that all places are taken, and for how long (stream: ${stream})`, async () => {
      const error = await thrownBy(() => client.chat.completions.create({ ...ask('busy'), stream }))

      expect(error).to.be.instanceOf(OpenAI.RateLimitError)
      expect(error.status).to.equal(429)
      expect(error.headers.get('retry-after')).to.equal('2')
      expect(error.headers.get('retry-after-ms')).to.equal(String(BUSY_RETRY_MS))
    })

    it(`learns that its prompt is too long, and by how much (stream: ${stream})`, async () => {
      const error = await thrownBy(() => client.chat.completions.create({ ...ask('small'), stream }))

      expect(error).to.be.instanceOf(OpenAI.BadRequestError)
      expect(error.code).to.equal('context_length_exceeded')
      expect(error.message).to.include('9000').and.include('4096')
      expect(error.error).to.include({ prompt_tokens: 9000, context_tokens: 4096 })
    })
  }

  it('learns what is wrong with its request', async () => {
    const error = await thrownBy(() => client.chat.completions.create({ model: 'echo', messages: [] }))

    expect(error).to.be.instanceOf(OpenAI.BadRequestError)
    expect(error.param).to.equal('messages')
  })

  it('gets an exception, not a short answer, when a stream fails midway', async () => {
    let text = ''
    const error = await thrownBy(async () => {
      for await (const chunk of await client.chat.completions.create({ ...ask('broken'), stream: true })) {
        text += chunk.choices[0]?.delta.content ?? ''
      }
    })

    expect(error).to.be.instanceOf(OpenAI.APIError)
    expect(error.code).to.equal('backend_failed')
    expect(error.message).to.include(BREAK_MESSAGE)
    expect(text).to.equal('so far')
  })

  it('gets an exception when an answer fails midway that is not streamed', async () => {
    const error = await thrownBy(() => client.chat.completions.create(ask('broken')))

    expect(error).to.be.instanceOf(OpenAI.InternalServerError)
    expect(error.status).to.equal(502)
  })

  it('stops the model when it aborts', async () => {
    const { cancelled } = setting.backend
    const controller = new AbortController()
    const stream = await client.chat.completions.create({ ...ask('endless'), stream: true }, { signal: controller.signal })
    let chunks = 0
    for await (const _ of stream) {
      if (++chunks === 3) {
        controller.abort()
      }
    }

    await setting.backend.whenCancelled(cancelled + 1)
  })

  it('stops the model when it leaves the loop', async () => {
    const { cancelled } = setting.backend
    for await (const chunk of await client.chat.completions.create({ ...ask('endless'), stream: true })) {
      if (chunk.choices[0]?.delta.content !== '') {
        break
      }
    }

    await setting.backend.whenCancelled(cancelled + 1)
  })

  it('stops the model when it aborts an answer that is not streamed', async () => {
    const { cancelled, requests } = setting.backend
    const asked = requests.length
    const controller = new AbortController()
    const error = thrownBy(() => client.chat.completions.create(ask('endless'), { signal: controller.signal }))
    while (requests.length === asked) {
      await new Promise((resolve) => { setImmediate(resolve) })
    }
    controller.abort()

    expect(await error).to.be.instanceOf(OpenAI.APIUserAbortError)
    await setting.backend.whenCancelled(cancelled + 1)
  })
}

function aiScenarios (setUp: () => Promise<ClientSetting>): void {
  let setting: ClientSetting
  let provider: ReturnType<typeof createOpenAICompatible>

  before(async () => {
    setting = await setUp()
    provider = createOpenAICompatible({
      name: 'skein', baseURL: setting.baseURL, apiKey: setting.apiKey, fetch: setting.fetch, includeUsage: true
    })
  })
  after(async () => { await setting.stop() })

  const tools = { weather: tool({ description: 'tells the weather', inputSchema: jsonSchema<{ city: string }>(PARAMETERS) }) }

  it('gets a whole answer', async () => {
    const { text, finishReason, usage } = await generateText({ model: provider('echo'), prompt: TEXT })

    expect(text).to.equal(TEXT)
    expect(finishReason).to.equal('stop')
    expect(usage.outputTokens).to.equal(8)
  })

  it('streams an answer with its usage', async () => {
    const result = streamText({ model: provider('echo'), prompt: TEXT })
    let text = ''
    for await (const piece of result.textStream) {
      text += piece
    }

    expect(text).to.equal(TEXT)
    expect(await result.finishReason).to.equal('stop')
    expect((await result.usage).totalTokens).to.equal(15)
  })

  it('is asked to call a tool', async () => {
    const { toolCalls, finishReason } = await generateText({ model: provider('tools'), prompt: TEXT, tools })

    expect(finishReason).to.equal('tool-calls')
    expect(toolCalls.map(({ toolName, input }) => ({ toolName, input }))).to.deep.equal([{ toolName: 'weather', input: { city: 'Łódź' } }])
  })

  it('is asked to call a tool in a stream', async () => {
    const result = streamText({ model: provider('tools'), prompt: TEXT, tools })

    expect((await result.toolCalls).map(({ toolName, input }) => ({ toolName, input }))).to.deep.equal([{ toolName: 'weather', input: { city: 'Łódź' } }])
    expect(await result.finishReason).to.equal('tool-calls')
  })

  it('gets embeddings', async () => {
    const { embeddings } = await embedMany({ model: provider.embeddingModel('vectors'), values: ['a', 'four'] })

    expect(embeddings).to.deep.equal([[1, 0.5, -0.25], [4, 0.5, -0.25]])
  })

  it('learns that all places are taken, and for how long', async () => {
    const error = await thrownBy(() => generateText({ model: provider('busy'), prompt: TEXT, maxRetries: 0 }))

    expect(APICallError.isInstance(error)).to.equal(true)
    expect(error.statusCode).to.equal(429)
    expect(error.isRetryable).to.equal(true)
    expect(error.responseHeaders['retry-after']).to.equal('2')
  })

  it('learns that its prompt is too long, and by how much', async () => {
    const error = await thrownBy(() => generateText({ model: provider('small'), prompt: TEXT, maxRetries: 0 }))

    expect(error.statusCode).to.equal(400)
    expect(error.message).to.include('9000').and.include('4096')
  })

  it('learns that a model does not exist', async () => {
    const error = await thrownBy(() => generateText({ model: provider('no-such-model'), prompt: TEXT, maxRetries: 0 }))

    expect(error.statusCode).to.equal(404)
  })

  it('gets an exception, not a short answer, when a stream fails midway', async () => {
    const told: unknown[] = []
    const result = streamText({ model: provider('broken'), prompt: TEXT, maxRetries: 0, onError ({ error }) { told.push(error) } })
    let text = ''
    const error = await thrownBy(async () => {
      for await (const piece of result.textStream) {
        text += piece
      }
    })

    expect(error).to.be.instanceOf(Error)
    expect(told[0]).to.have.property('message', BREAK_MESSAGE)
    expect(text).to.equal('so far')
  })

  it('gets an exception when an answer fails midway that is not streamed', async () => {
    const error = await thrownBy(() => generateText({ model: provider('broken'), prompt: TEXT, maxRetries: 0 }))

    expect(error.statusCode).to.equal(502)
  })

  it('stops the model when it aborts', async () => {
    const { cancelled } = setting.backend
    const controller = new AbortController()
    const result = streamText({ model: provider('endless'), prompt: TEXT, abortSignal: controller.signal, onError () {} })
    let pieces = 0
    for await (const _ of result.textStream) {
      if (++pieces === 3) {
        controller.abort()
      }
    }

    await setting.backend.whenCancelled(cancelled + 1)
  })
}
