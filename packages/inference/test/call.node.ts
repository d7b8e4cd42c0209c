import { expect } from 'chai'
import { handlerBackend, InferenceError } from '../src/index.ts'
import { collect, createNode, until } from './node-pair.ts'
import type { InferenceNode } from './node-pair.ts'
import type { Handler, HandlerBackendOptions, InferenceEvent, InferenceRequest } from '../src/index.ts'
import type { CallOptions } from '../src/libp2p/index.ts'

const request = (extra: Partial<InferenceRequest> = {}): InferenceRequest =>
  ({ task: 'chat', model: 'm', body: { messages: [{ role: 'user', content: 'hello' }] }, ...extra })

async function forever (signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => { signal.addEventListener('abort', () => { reject(signal.reason as Error) }) })
}

describe('an inference call over libp2p', () => {
  let server: InferenceNode
  let client: InferenceNode

  beforeEach(async () => {
    [server, client] = await Promise.all([createNode({ requestTimeoutMs: 300 }), createNode()])
  })

  afterEach(async () => {
    await Promise.all([server.stop(), client.stop()])
  })

  const serve = (handler: Handler, options?: HandlerBackendOptions): void => {
    server.services.inference.addBackend(handlerBackend('m', handler, options))
  }
  const call = (extra?: Partial<InferenceRequest>, options?: CallOptions) =>
    client.services.inference.call(server.getMultiaddrs(), request(extra), options)

  it('brings all events of an answer, in order, and what it came to', async () => {
    const sent: InferenceEvent[] = [
      { type: 'head', head: { id: 'x', created: 1 } },
      { type: 'delta', text: 'Hel' },
      { type: 'delta', text: 'lo', chunk: { choices: [{ index: 0, logprobs: { content: [] } }] } },
      { type: 'tool', calls: [{ index: 0, id: 't', function: { name: 'f', arguments: '{}' } }] },
      { type: 'usage', usage: { prompt_tokens: 3 } },
      { type: 'finish', reason: 'tool_calls' }
    ]
    serve(async function * () { yield * sent })
    const answer = call()
    const { events, error } = await collect(answer)
    expect(error).to.equal(undefined)
    expect(events).to.deep.equal(sent)
    expect(answer.summary?.deltas).to.equal(3)
    expect(answer.peer?.equals(server.peerId)).to.equal(true)
    await until(() => client.getConnections()[0]?.streams.length === 0)
    await until(() => server.getConnections()[0]?.streams.length === 0)
  })

  it('hands the request body to the backend, unknown fields too', async () => {
    let seen: InferenceRequest | undefined
    serve(seenRequest => {
      seen = seenRequest
      return 'ok'
    })
    const body = { messages: [], x_unknown: { deep: [1, null, 'é'] } }
    expect((await collect(call({ body }))).text).to.equal('ok')
    expect(seen).to.deep.equal(request({ body }))
  })

  it('carries a long text and a large request whole', async () => {
    const text = 'a😀é'.repeat(200_000)
    serve(({ body }) => body.prompt as string)
    const { text: echoed, error } = await collect(call({ task: 'completion', body: { prompt: text } }))
    expect(error).to.equal(undefined)
    expect(echoed === text).to.equal(true)
  })

  it('serves many calls at once over one connection', async () => {
    serve(async function * ({ body }) {
      for (let i = 0; i < 50; i++) {
        yield `${body.n as number}:${i} `
        if (i % 10 === 0) {
          await new Promise(resolve => { setImmediate(resolve) })
        }
      }
    }, { maxConcurrent: 32 })
    // on a connection that is just being made: the first stream must go ahead of the others (yamux takes 10 early ones)
    const answers = await Promise.all(Array.from({ length: 32 }, async (_, n) => collect(call({ body: { n } }))))
    for (const [n, { text, error }] of answers.entries()) {
      expect(error).to.equal(undefined)
      expect(text).to.equal(Array.from({ length: 50 }, (_, i) => `${n}:${i} `).join(''))
    }
    expect(client.getConnections()).to.have.length(1)
  })

  it('is BUSY with a time to come back above its concurrency, and free again afterwards', async () => {
    serve(async function * (_request, { signal }) {
      yield 'one'
      await forever(signal)
    }, { maxConcurrent: 1 })
    const first = call()
    expect(await first[Symbol.asyncIterator]().next()).to.deep.equal({ done: false, value: { type: 'delta', text: 'one' } })
    const { error } = await collect(call())
    expect(error).to.be.instanceOf(InferenceError).and.include({ code: 'busy', retryable: true, deltas: 0, peer: server.peerId.toString() })
    expect((error as InferenceError).retryAfterMs).to.be.within(100, 60_000)
    first.cancel()
    await until(() => server.services.inference.active === 0)
  })

  it('stops the backend when the caller aborts', async () => {
    let stopped: unknown
    serve(async function * (_request, { signal }) {
      signal.addEventListener('abort', () => { stopped = signal.reason })
      yield 'one'
      await forever(signal)
    })
    const controller = new AbortController()
    const answer = call({}, { signal: controller.signal })
    const iterator = answer[Symbol.asyncIterator]()
    await iterator.next()
    const next = iterator.next().catch((error: unknown) => error)
    controller.abort()
    expect(await next).to.be.instanceOf(InferenceError).and.include({ code: 'cancelled', deltas: 1 })
    await until(() => stopped != null && server.services.inference.active === 0)
    expect(stopped).to.be.instanceOf(InferenceError).and.include({ code: 'cancelled' })
  })

  it('stops the backend when the consumer leaves the loop, in the middle of a flood too', async () => {
    let produced = 0
    serve(async function * (_request, { signal }) {
      while (!signal.aborted) {
        produced++
        yield 'x'.repeat(1000)
      }
    })
    for await (const event of call()) {
      expect(event.type).to.equal('delta')
      break
    }
    await until(() => server.services.inference.active === 0)
    const after = produced
    await new Promise(resolve => { setTimeout(resolve, 30) })
    expect(produced).to.equal(after)
  })

  it('does not ask the backend for more while the consumer reads nothing, and loses nothing', async () => {
    let produced = 0
    const total = 4_000
    serve(async function * () {
      for (; produced < total; produced++) {
        yield String(produced % 10).repeat(1000)
      }
    })
    const answer = call({}, { windowBytes: 256 * 1024 })
    await until(() => produced > 200)
    await new Promise(resolve => { setTimeout(resolve, 100) })
    expect(produced).to.be.below(400)
    const { text, error } = await collect(answer)
    expect(error).to.equal(undefined)
    expect(text.length).to.equal(total * 1000)
    expect(answer.summary?.deltas).to.equal(total)
  })

  it('resets a caller that reads nothing for too long, and frees its place', async () => {
    const slow = await createNode({ stallTimeoutMs: 50 })
    slow.services.inference.addBackend(handlerBackend('m', async function * () {
      for (;;) {
        yield 'x'.repeat(10_000)
      }
    }))
    const answer = client.services.inference.call(slow.getMultiaddrs(), request())
    await until(() => slow.services.inference.active === 1)
    await until(() => slow.services.inference.active === 0)
    expect((await collect(answer)).error).to.be.instanceOf(InferenceError).and.include({ code: 'stream_truncated' })
    await slow.stop()
  })

  const failures: Array<[string, Handler, HandlerBackendOptions | undefined, Partial<InferenceRequest>, object]> = [
    ['an unknown model', () => 'x', undefined, { model: 'other' }, { code: 'model_not_found', retryable: true }],
    ['a task that the model does not do', () => 'x', undefined, { task: 'embedding' }, { code: 'invalid_request', retryable: false }],
    ['a prompt far beyond the context', () => 'x', { contextTokens: 10 }, { body: { messages: [{ role: 'user', content: 'x'.repeat(400) }] } },
      { code: 'context_length_exceeded', promptTokens: 104, contextTokens: 10 }],
    ['a backend that says what is wrong', () => { throw new InferenceError('busy', 'full', { retryAfterMs: 1234 }) }, undefined, {},
      { code: 'busy', message: 'full', retryAfterMs: 1234 }],
    ['a backend that throws', () => { throw new Error('secret /etc/passwd') }, undefined, {},
      { code: 'backend_failed', message: 'The backend failed', deltas: 0 }],
    ['a backend that throws in the middle', async function * () { yield 'a'; yield 'b'; throw new Error('secret') }, undefined, {},
      { code: 'backend_failed', message: 'The backend failed', deltas: 2 }]
  ]
  for (const [name, handler, options, extra, expected] of failures) {
    it(`reports ${name}`, async () => {
      serve(handler, options)
      const { error } = await collect(call(extra))
      expect(error).to.be.instanceOf(InferenceError).and.include(expected)
      await until(() => server.services.inference.active === 0)
    })
  }

  it('refuses a request that is too large before it dials', async () => {
    const { error } = await collect(call({ body: { prompt: 'x'.repeat(5_000_000) } }))
    expect(error).to.be.instanceOf(InferenceError).and.include({ code: 'oversize', retryable: false })
    expect(client.getConnections()).to.have.length(0)
  })

  it('is told so by a server that takes less', async () => {
    const narrow = await createNode({ maxRequestBytes: 10_000 })
    const { error } = await collect(client.services.inference.call(narrow.getMultiaddrs(), request({ body: { prompt: 'x'.repeat(1_000_000) } })))
    expect(error).to.be.instanceOf(InferenceError).and.include({ code: 'oversize' })
    await narrow.stop()
  })

  it('fails when there is no first delta in time, and the backend stops', async () => {
    serve(async (_request, { signal }) => forever(signal))
    const { error } = await collect(call({}, { firstDeltaTimeoutMs: 50 }))
    expect(error).to.be.instanceOf(InferenceError).and.include({ code: 'first_delta_timeout', retryable: true, deltas: 0 })
    await until(() => server.services.inference.active === 0)
  })

  it('fails when nothing more comes for too long', async () => {
    serve(async function * (_request, { signal }) {
      yield 'a'
      await forever(signal)
    })
    const { error } = await collect(call({}, { idleTimeoutMs: 50 }))
    expect(error).to.be.instanceOf(InferenceError).and.include({ code: 'stream_truncated', deltas: 1 })
  })

  it('fails at the deadline, on both sides', async () => {
    serve(async function * (_request, { signal }) {
      yield 'a'
      await forever(signal)
    })
    const { error } = await collect(call({}, { timeoutMs: 100 }))
    expect(error).to.be.instanceOf(InferenceError).and.include({ code: 'deadline_exceeded', deltas: 1 })
    await until(() => server.services.inference.active === 0)
  })

  it('fails when the peer cannot be reached', async () => {
    const addresses = server.getMultiaddrs()
    await server.stop()
    const { error } = await collect(client.services.inference.call(addresses, request()))
    expect(error).to.be.instanceOf(InferenceError).and.include({ code: 'connection_failed', retryable: true })
  })

  it('closes a stream on which no request comes', async () => {
    const connection = await client.dial(server.getMultiaddrs())
    const stream = await connection.newStream('/skein/inference/1.0.0')
    stream.send(Uint8Array.of(0x80))
    await until(() => stream.remoteWriteStatus === 'closed' || stream.status !== 'open')
    stream.abort(new Error('done'))
  })

  it('serves no new requests while it drains, and finishes the old', async () => {
    const go = Promise.withResolvers<void>()
    serve(async function * () {
      yield 'a'
      await go.promise
      yield 'b'
    })
    const answer = call()
    const rest = collect(answer)
    await until(() => server.services.inference.active === 1)
    const drained = server.services.inference.drain()
    expect((await collect(call())).error).to.include({ code: 'model_not_found' })
    go.resolve()
    await drained
    expect((await rest).text).to.equal('ab')
  })

  it('fails all calls, and stops the backends, when a node stops', async () => {
    let stopped = false
    serve(async function * (_request, { signal }) {
      signal.addEventListener('abort', () => { stopped = true })
      yield 'a'
      await forever(signal)
    })
    const answer = call()
    const iterator = answer[Symbol.asyncIterator]()
    await iterator.next()
    const next = iterator.next().catch((error: unknown) => error)
    await server.stop()
    expect(await next).to.be.instanceOf(InferenceError).and.include({ code: 'stream_truncated', deltas: 1 })
    expect(stopped).to.equal(true)
  })
})
