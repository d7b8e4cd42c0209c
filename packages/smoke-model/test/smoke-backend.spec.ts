import { ManualClock } from '@skein/core'
import { InferenceError } from '@skein/inference'
import { expect } from 'chai'
import { smokeBackend } from '../src/smoke-backend.ts'
import { SmokeModel } from '../src/smoke-model.ts'
import { encodeWeights, parseWeights } from '../src/weights.ts'
import { miniatureWeights } from './miniature.ts'
import type { Backend, InferenceEvent, InferenceRequest, InferenceTask, JsonObject } from '@skein/inference'
import type { SmokeBackendOptions } from '../src/smoke-backend.ts'

const model = new SmokeModel(parseWeights(encodeWeights(miniatureWeights())))
const PROMPT = 'the whale'
const PROMPT_TOKENS = model.encode(PROMPT).length

function request (body: JsonObject, task: InferenceTask = 'completion'): InferenceRequest {
  return { task, model: model.id, body: { prompt: PROMPT, ...body } }
}

function backend (options: SmokeBackendOptions = {}): Backend {
  return smokeBackend({ model, clock: new ManualClock(0), ...options })
}

async function collect (events: AsyncIterable<InferenceEvent>): Promise<InferenceEvent[]> {
  return await Array.fromAsync(events)
}

async function answer (body: JsonObject, options: { task?: InferenceTask, backend?: Backend } = {}): Promise<InferenceEvent[]> {
  return await collect((options.backend ?? backend()).infer(request(body, options.task), { signal: new AbortController().signal }))
}

async function failure (promise: Promise<unknown>): Promise<InferenceError> {
  try {
    await promise
  } catch (error) {
    expect(error).to.be.instanceOf(InferenceError)
    return error as InferenceError
  }
  throw new Error('It should have failed')
}

function textOf (events: InferenceEvent[]): string {
  return events.map(event => event.type === 'delta' ? event.text : '').join('')
}

function eventOf<T extends InferenceEvent['type']> (events: InferenceEvent[], type: T): Extract<InferenceEvent, { type: T }> {
  return events.find(event => event.type === type) as Extract<InferenceEvent, { type: T }>
}

describe('smokeBackend', () => {
  it('says what it serves', async () => {
    expect(await backend({ maxConcurrent: 3, tokensPerSecond: 100 }).models()).to.deep.equal([{
      id: 'skein-smoke-1', tasks: ['chat', 'completion'], contextTokens: 48, deterministic: true, maxConcurrent: 3, tokensPerSecond: 100
    }])
  })

  it('answers with a head, deltas, the usage and the reason of the end', async () => {
    const events = await answer({ max_tokens: 6 })
    const types = events.map(event => event.type)
    expect(types[0]).to.equal('head')
    expect(types.slice(1, -2).every(type => type === 'delta')).to.equal(true)
    expect(types.slice(-2)).to.deep.equal(['usage', 'finish'])
    expect(eventOf(events, 'head').head.system_fingerprint).to.equal(model.fingerprint)
    expect(eventOf(events, 'usage').usage).to.deep.equal({ prompt_tokens: PROMPT_TOKENS, completion_tokens: 6, total_tokens: PROMPT_TOKENS + 6 })
    expect(eventOf(events, 'finish').reason).to.equal('length')
  })

  it('gives equal answers to equal requests, and others to another seed or prompt', async () => {
    const first = await answer({ max_tokens: 20 })
    expect(await answer({ max_tokens: 20 })).to.deep.equal(first)
    expect(textOf(await answer({ max_tokens: 20, prompt: 'the whale!' }))).not.to.equal(textOf(first))
    expect(textOf(await answer({ max_tokens: 20, seed: 1 }))).not.to.equal(textOf(await answer({ max_tokens: 20, seed: 2 })))
    expect(await answer({ max_tokens: 20, seed: 1 })).to.deep.equal(await answer({ max_tokens: 20, seed: 1 }))
    expect(await answer({ max_tokens: 20, temperature: 0, seed: 1 })).to.deep.equal(await answer({ max_tokens: 20, temperature: 0, seed: 2 }))
  })

  it('continues the contents of a chat as paragraphs', async () => {
    const messages = [{ role: 'system', content: 'the' }, { role: 'user', content: [{ type: 'text', text: 'wh' }, { type: 'text', text: 'ale' }] }]
    expect(await answer({ messages, max_completion_tokens: 9 }, { task: 'chat' })).to.deep.equal(await answer({ prompt: 'the\n\nwhale\n\n', max_tokens: 9 }))
  })

  it('takes null for what is not set', async () => {
    const unset = { n: null, seed: null, temperature: null, top_p: null, stop: null }
    expect(await answer({ ...unset, max_tokens: null, max_completion_tokens: 5 })).to.deep.equal(await answer({ max_tokens: 5 }))
  })

  it('ends before a stop string', async () => {
    const whole = textOf(await answer({ max_tokens: 30, seed: 3 }))
    const stop = whole.slice(8, 10)
    const events = await answer({ max_tokens: 30, seed: 3, stop })
    expect(textOf(events)).to.equal(whole.slice(0, whole.indexOf(stop)))
    expect(eventOf(events, 'finish').reason).to.equal('stop')
  })

  it('ends where the context does', async () => {
    const events = await answer({ max_tokens: 1_000, seed: 3 })
    expect(eventOf(events, 'usage').usage.total_tokens).to.equal(48)
    expect(eventOf(events, 'finish').reason).to.equal('length')
  })

  it('refuses a prompt that fills the context, with both numbers', async () => {
    const { code, promptTokens, contextTokens } = await failure(answer({ prompt: 'xyz'.repeat(30) }))
    expect({ code, promptTokens, contextTokens }).to.deep.equal({ code: 'context_length_exceeded', promptTokens: 91, contextTokens: 48 })
    expect(eventOf(await answer({ prompt: 'x'.repeat(46) }), 'usage').usage.completion_tokens).to.equal(1)
    expect((await failure(answer({ prompt: 'x'.repeat(47) }))).code).to.equal('context_length_exceeded')
  })

  it('refuses another model', async () => {
    const events = backend().infer({ ...request({}), model: 'llama' }, { signal: new AbortController().signal })
    expect((await failure(collect(events))).code).to.equal('model_not_found')
  })

  const invalid: Array<[name: string, body: JsonObject, task?: InferenceTask]> = [
    ['several choices', { n: 2 }],
    ['an embedding', { input: 'a' }, 'embedding'],
    ['no prompt', { prompt: undefined }],
    ['a prompt of numbers', { prompt: [1, 2] }],
    ['several prompts', { prompt: ['a', 'b'] }],
    ['a chat without messages', {}, 'chat'],
    ['an empty chat', { messages: [] }, 'chat'],
    ['a message without a role', { messages: [{ content: 'a' }] }, 'chat'],
    ['an image', { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: {} }] }] }, 'chat'],
    ['a number as content', { messages: [{ role: 'user', content: 5 }] }, 'chat'],
    ['no tokens', { max_tokens: 0 }],
    ['half a token', { max_tokens: 1.5 }],
    ['a limit in words', { max_tokens: 'ten' }],
    ['a negative temperature', { temperature: -1 }],
    ['too high a temperature', { temperature: 2.1 }],
    ['an impossible top_p', { top_p: 1.1 }],
    ['half a seed', { seed: 0.5 }],
    ['five stop strings', { stop: ['a', 'b', 'c', 'd', 'e'] }],
    ['a stop string that is a number', { stop: [1] }],
    ['a very long stop string', { stop: 'a'.repeat(65) }]
  ]
  for (const [name, body, task] of invalid) {
    it(`refuses ${name}`, async () => {
      const error = await failure(answer(body, { task }))
      expect([error.code, error.retryable]).to.deep.equal(['invalid_request', false])
    })
  }

  it('stops computing when the caller cancels', async () => {
    const controller = new AbortController()
    const events = backend().infer(request({ max_tokens: 30 }), { signal: controller.signal })[Symbol.asyncIterator]()
    await events.next()
    await events.next()
    controller.abort()
    expect((await failure(events.next())).code).to.equal('cancelled')
    expect((await events.next()).done).to.equal(true)
  })

  it('is busy above its concurrency, and free again after an end, an error or a return', async () => {
    const one = backend({ maxConcurrent: 1 })
    const first = one.infer(request({}), { signal: new AbortController().signal })[Symbol.asyncIterator]()
    await first.next()
    const { code, retryAfterMs } = await failure(answer({}, { backend: one }))
    expect({ code, retryAfterMs }).to.deep.equal({ code: 'busy', retryAfterMs: 1_000 })
    await first.return?.()
    await failure(answer({ prompt: 'x'.repeat(60) }, { backend: one }))
    await answer({ max_tokens: 1 }, { backend: one })
    expect(eventOf(await answer({ max_tokens: 1 }, { backend: one }), 'finish').reason).to.equal('length')
  })

  it('keeps to the speed it is given', async () => {
    const clock = new ManualClock(0)
    const events = backend({ clock, tokensPerSecond: 100 }).infer(request({ max_tokens: 10, seed: 3 }), { signal: new AbortController().signal })
    let tokens = 0
    const done = (async () => {
      for await (const event of events) {
        tokens += event.type === 'delta' ? event.text.length : 0
      }
    })()
    let isDone = false
    void done.then(() => { isDone = true })
    const seen: number[] = []
    for (let atMs = 0; atMs <= 100; atMs += 10) {
      await new Promise(resolve => { setImmediate(resolve) })
      seen.push(tokens)
      expect(isDone, `at ${atMs} ms`).to.equal(atMs === 100)
      clock.advance(10)
    }
    expect(seen).to.deep.equal([...seen].sort((a, b) => a - b))
    expect(seen[1]).to.be.below(seen[10] as number)
    await done
  })

  it('lets the event loop turn after each slice of work, all streams together', async () => {
    const TOKENS = 30
    const STREAMS = 4
    // A clock on which each look at it takes half a millisecond: a step of work is one look before and one after
    let nowMs = 0
    const clock = { nowMs: () => { nowMs += 0.5; return nowMs }, schedule: () => () => {} }
    let breaths = 0
    const slow = backend({
      clock, sliceMs: 5, maxConcurrent: STREAMS, breathe: async () => { breaths++; await new Promise(resolve => { setImmediate(resolve) }) }
    })
    await Promise.all(Array.from({ length: STREAMS }, async (_, seed) => await answer({ max_tokens: TOKENS, seed }, { backend: slow })))
    // Per stream at least the prompt's and the answer's tokens, at half a millisecond each
    expect(breaths).to.be.at.least(Math.floor(STREAMS * (PROMPT_TOKENS + TOKENS) * 0.5 / 5) - 1)
  })
})
