import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import type { IncomingMessage, RequestOptions } from 'node:http'
import { connect } from 'node:net'
import { ManualClock } from '@skein/core'
import type { InferenceEvent } from '@skein/inference'
import type { CallRoute, ModelCaller, OpenAIFetch } from '@skein/peer/openai'
import { expect } from 'chai'
import { createGateway, GatewayListenError } from '../src/index.ts'
import type { Gateway, GatewayInit } from '../src/index.ts'
import { callerOf, ScriptedBackend } from './scripted-backend.ts'

interface Answer {
  status: number
  headers: IncomingMessage['headers']
  text: string
  /** The connection broke off before the end of the answer */
  broken: boolean
}

/** A call that a test plays by hand, event by event. */
class PlayedCall {
  readonly asked = Promise.withResolvers<AbortSignal>()
  readonly aborted = Promise.withResolvers<unknown>()
  taken = 0
  private readonly events: InferenceEvent[] = []
  private wake?: () => void
  private ended = false

  readonly caller: ModelCaller = {
    call: (_, options) => {
      const signal = options?.signal as AbortSignal
      signal.addEventListener('abort', () => { this.aborted.resolve(signal.reason) })
      this.asked.resolve(signal)
      const route: Promise<CallRoute> = Promise.resolve({ peer: 'P', path: 'relayed', attempts: 3 })
      return { route, [Symbol.asyncIterator]: () => this.play(signal) }
    },
    models: async () => []
  }

  give (...events: InferenceEvent[]): void {
    this.events.push(...events)
    this.wake?.()
  }

  end (): void {
    this.ended = true
    this.wake?.()
  }

  private async * play (signal: AbortSignal): AsyncGenerator<InferenceEvent> {
    for (;;) {
      const event = this.events.shift()
      if (event != null) {
        this.taken++
        yield event
      } else if (this.ended) {
        return
      } else {
        await new Promise<void>((resolve, reject) => {
          this.wake = resolve
          signal.addEventListener('abort', () => { reject(signal.reason) }, { once: true })
        })
      }
    }
  }
}

const ECHO = JSON.stringify({ model: 'echo', messages: [{ role: 'user', content: 'one two' }] })
const STREAM = JSON.stringify({ model: 'echo', messages: [{ role: 'user', content: 'one two' }], stream: true })

describe('a gateway', () => {
  const gateways: Gateway[] = []
  const start = async (init: Partial<GatewayInit> = {}): Promise<Gateway> => {
    const answering = init.fetch == null && init.caller == null ? { caller: callerOf(new ScriptedBackend()) } : {}
    const gateway = await createGateway({ port: 0, ...answering, ...init } as GatewayInit)
    gateways.push(gateway)
    return gateway
  }
  afterEach(async () => {
    await Promise.all(gateways.splice(0).map(async (gateway) => { await gateway.stop({ drainMs: 0 }) }))
  })

  function send (gateway: Gateway, path: string, options: RequestOptions & { body?: string } = {}): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = httpRequest(gateway.url + path, { method: options.body == null ? 'GET' : 'POST', ...options }, resolve)
      request.on('error', reject)
      request.end(options.body)
    })
  }
  async function readAll (response: IncomingMessage): Promise<Answer> {
    const chunks: Buffer[] = []
    let broken = false
    try {
      for await (const chunk of response) {
        chunks.push(chunk)
      }
    } catch {
      broken = true
    }
    return { status: response.statusCode as number, headers: response.headers, text: Buffer.concat(chunks).toString(), broken }
  }
  async function ask (gateway: Gateway, path: string, options: RequestOptions & { body?: string } = {}): Promise<Answer> {
    return await readAll(await send(gateway, path, options))
  }
  const post = (gateway: Gateway, body: string, headers: Record<string, string> = {}): Promise<Answer> =>
    ask(gateway, '/v1/chat/completions', { body, headers })
  const codeOf = (answer: Answer): string => JSON.parse(answer.text).error.code
  const firstChunk = async (response: IncomingMessage): Promise<string> => String((await once(response, 'data'))[0])

  it('answers from a fetch as from a caller', async () => {
    const seen: Array<[unknown, string | undefined]> = []
    const fetch: OpenAIFetch = async (input, init) => {
      seen.push([input, init?.method])
      return new Response('{"a":1}', { status: 418, headers: { 'content-type': 'application/json', 'x-odd': 'y' } })
    }
    const answer = await post(await start({ fetch }), '{}')

    expect(answer).to.deep.include({ status: 418, text: '{"a":1}' })
    expect(answer.headers).to.include({ 'x-odd': 'y', 'content-length': '7' })
    expect(seen).to.deep.equal([['http://skein.local/v1/chat/completions', 'POST']])
  })

  it('says nothing before the first event, and then each event at once', async () => {
    const call = new PlayedCall()
    const gateway = await start({ caller: call.caller })
    const pending = send(gateway, '/v1/chat/completions', { body: STREAM })
    let answered = false
    void pending.then(() => { answered = true })
    await call.asked.promise
    await ask(gateway, '/v1/models') // a whole round trip later there is still no status
    expect(answered).to.equal(false)

    call.give({ type: 'head', head: {} })
    const response = await pending
    expect(response.statusCode).to.equal(200)
    expect(response.headers).to.include({ 'x-skein-peer': 'P', 'x-skein-path': 'relayed', 'x-skein-attempts': '3', 'x-accel-buffering': 'no' })
    expect(response.headers['content-type']).to.match(/^text\/event-stream/)

    for (const text of ['one', 'two']) {
      call.give({ type: 'delta', text })
      expect(await firstChunk(response)).to.include(`"content":"${text}"`)
    }
    call.end()
    expect((await readAll(response)).text).to.match(/data: \[DONE\]\n\n$/)
  })

  it('breaks off a stream that fails midway, after an event that says why', async () => {
    const gateway = await start()
    const answer = await post(gateway, STREAM.replace('echo', 'broken'))

    expect(answer.status).to.equal(200)
    expect(answer.broken).to.equal(true)
    expect(answer.text).to.include('"content":"far"').and.include('"code":"backend_failed"').and.not.include('[DONE]')
  })

  it('cancels the call when its client goes away, in mid-answer', async () => {
    const call = new PlayedCall()
    const response = await (async () => {
      const pending = send(await start({ caller: call.caller }), '/v1/chat/completions', { body: STREAM })
      call.give({ type: 'delta', text: 'x' })
      return await pending
    })()
    await firstChunk(response)
    response.destroy()

    expect(await call.aborted.promise).to.be.instanceOf(DOMException)
  })

  it('cancels the call when its client goes away before the first event', async () => {
    const call = new PlayedCall()
    const gateway = await start({ caller: call.caller })
    const request = httpRequest(`${gateway.url}/v1/chat/completions`, { method: 'POST' })
    request.on('error', () => {})
    request.end(ECHO)
    await call.asked.promise
    request.destroy()

    expect(await call.aborted.promise).to.be.instanceOf(DOMException)
    while (!(await gateway.metrics.metrics()).includes('skein_gateway_requests_total{route="chat/completions",status="499"} 1')) {
      await new Promise((resolve) => { setImmediate(resolve) })
    }
  })

  it('holds the model back when its client does not read', async () => {
    const call = new PlayedCall()
    const gateway = await start({ caller: call.caller })
    const text = 'x'.repeat(64 * 1024)
    const count = 2000 // 125 MiB: more than all the buffers between
    call.give(...Array.from({ length: count }, (): InferenceEvent => ({ type: 'delta', text })))
    const response = await send(gateway, '/v1/chat/completions', { body: STREAM })
    response.pause()

    let before = -1
    while (before !== call.taken) {
      before = call.taken
      for (let i = 0; i < 20; i++) {
        await ask(gateway, '/v1/models')
      }
    }
    expect(call.taken).to.be.below(count / 2)
    response.destroy()
    await call.aborted.promise
  })

  it('answers 504 when its time is over, and cancels the call', async () => {
    const call = new PlayedCall()
    const clock = new ManualClock()
    const pending = post(await start({ caller: call.caller, clock, requestTimeoutMs: 5000 }), STREAM)
    await call.asked.promise
    clock.advance(5000)

    const answer = await pending
    expect([answer.status, codeOf(answer)]).to.deep.equal([504, 'deadline_exceeded'])
    await call.aborted.promise
  })

  it('breaks off a stream when its time is over', async () => {
    const call = new PlayedCall()
    const clock = new ManualClock()
    const pending = send(await start({ caller: call.caller, clock, requestTimeoutMs: 5000 }), '/v1/chat/completions', { body: STREAM })
    call.give({ type: 'delta', text: 'x' })
    const response = await pending
    await firstChunk(response)
    clock.advance(5000)
    const told = await firstChunk(response)
    clock.advance(100)

    const answer = await readAll(response)
    answer.text = told + answer.text
    expect(answer.text).to.include('"code":"deadline_exceeded"').and.not.include('[DONE]')
    expect(answer.broken).to.equal(true)
  })

  it('refuses what is above its concurrency with 429 and a time to wait', async () => {
    const call = new PlayedCall()
    const gateway = await start({ caller: call.caller, maxConcurrentRequests: 1 })
    const first = post(gateway, ECHO)
    await call.asked.promise
    const answer = await post(gateway, ECHO)

    expect([answer.status, codeOf(answer)]).to.deep.equal([429, 'rate_limit_exceeded'])
    expect(answer.headers).to.include({ 'retry-after': '1', 'retry-after-ms': '1000' })
    call.end()
    expect((await first).status).to.equal(200)
    expect((await post(gateway, ECHO)).status).to.equal(200)
  })

  for (const [name, bytes, headers] of [
    ['a little', 1500, {}], ['far', 100_000, {}], ['far, in chunks,', 100_000, { 'transfer-encoding': 'chunked' }]
  ] as const) {
    it(`refuses a body that is ${name} too large`, async () => {
      const gateway = await start({ maxBodyBytes: 1000 })
      const answer = await post(gateway, 'x'.repeat(bytes), headers).catch((error: NodeJS.ErrnoException) => error)

      // a client that goes on sending may find the connection closed before it reads the answer
      if (answer instanceof Error) {
        expect(answer.code).to.be.oneOf(['ECONNRESET', 'EPIPE'])
        expect(name).not.to.equal('a little')
      } else {
        expect([answer.status, codeOf(answer)]).to.deep.equal([413, 'request_too_large'])
        expect(answer.headers.connection).to.equal('close')
      }
      expect((await post(gateway, ECHO)).status).to.equal(200)
    })
  }

  it('refuses a head that is too large', async () => {
    const gateway = await start({ maxHeaderBytes: 2000 })

    expect((await ask(gateway, '/v1/models', { headers: { padding: 'x'.repeat(3000) } })).status).to.equal(431)
  })

  it('closes connections above its limit at once', async () => {
    const gateway = await start({ maxConnections: 1 })
    const first = connect(gateway.port, gateway.host)
    await once(first, 'connect')
    const second = connect(gateway.port, gateway.host)
    second.on('error', () => {})
    await once(second, 'close')
    first.destroy()

    expect(await gateway.metrics.metrics()).to.include('skein_gateway_dropped_connections_total 1')
  })

  for (const [name, headers, status] of [
    ['without a key', {}, 401], ['with a wrong key', { authorization: 'Bearer no' }, 401], ['with a key', { authorization: 'Bearer k2' }, 200]
  ] as const) {
    it(`with API keys answers a request ${name} with ${status}`, async () => {
      const gateway = await start({ apiKeys: ['k1', 'k2'] })
      const answer = await ask(gateway, '/v1/models', { headers })

      expect(answer.status).to.equal(status)
      if (status === 401) {
        expect(JSON.parse(answer.text).error).to.include({ type: 'authentication_error', code: 'invalid_api_key', param: null })
        expect(answer.headers['www-authenticate']).to.equal('Bearer')
        expect(answer.headers['x-request-id']).to.match(/^req_/)
      }
      expect((await ask(gateway, '/metrics', { headers })).status).to.equal(status)
      expect((await ask(gateway, '/health', { headers })).status).to.equal(200)
    })
  }

  it('refuses a page that rebinds its name to loopback, and a page of another origin', async () => {
    const gateway = await start()
    const rebound = await ask(gateway, '/v1/models', { headers: { host: 'evil.example' } })
    const foreign = await post(gateway, ECHO, { origin: 'https://evil.example' })

    expect([rebound.status, codeOf(rebound)]).to.deep.equal([403, 'host_not_allowed'])
    expect([foreign.status, codeOf(foreign)]).to.deep.equal([403, 'origin_not_allowed'])
    expect(foreign.headers).not.to.have.property('access-control-allow-origin')
  })

  it('lets pages of named origins call it, after a preflight too', async () => {
    const gateway = await start({ cors: ['https://app.example'], apiKeys: ['k'] })
    const origin = 'https://app.example'
    const preflight = await ask(gateway, '/v1/chat/completions', {
      method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization, x-stainless-lang' }
    })
    const answer = await post(gateway, ECHO, { origin, authorization: 'Bearer k' })

    expect(preflight.status).to.equal(204)
    expect(preflight.headers).to.include({ 'access-control-allow-origin': origin, 'access-control-allow-headers': 'authorization, x-stainless-lang' })
    expect(answer.status).to.equal(200)
    expect(answer.headers).to.include({ 'access-control-allow-origin': origin, vary: 'origin' })
    expect((await post(gateway, ECHO, { origin })).headers['access-control-allow-origin']).to.equal(origin)
  })

  it('has no preflight while CORS is off', async () => {
    expect((await ask(await start(), '/v1/models', { method: 'OPTIONS' })).status).to.equal(405)
  })

  it('tells its health, and with keys only to who has one', async () => {
    const health = (): { peer: string, peers: number } => ({ peer: 'P', peers: 3 })
    const open = await ask(await start({ health }), '/health')
    const closed = await start({ health, apiKeys: ['k'] })

    expect(JSON.parse(open.text)).to.deep.equal({ status: 'ok', in_flight_requests: 0, max_concurrent_requests: 256, peer: 'P', peers: 3 })
    expect(JSON.parse((await ask(closed, '/health')).text)).to.deep.equal({ status: 'ok' })
    expect(JSON.parse((await ask(closed, '/health', { headers: { authorization: 'Bearer k' } })).text)).to.include({ peer: 'P' })
    expect((await ask(closed, '/health', { body: '' })).status).to.equal(405)
  })

  for (const [name, health] of [['throws', () => { throw new Error('lost') }], ['says so', () => ({ status: 'failing' as const })]] as const) {
    it(`is 503 when its health ${name}`, async () => {
      expect((await ask(await start({ health }), '/health')).status).to.equal(503)
    })
  }

  it('counts and measures what it does', async () => {
    const clock = new ManualClock()
    const gateway = await start({ clock })
    await post(gateway, ECHO)
    await post(gateway, STREAM)
    await post(gateway, '{}')
    const answer = await ask(gateway, '/metrics')

    expect(answer.headers['content-type']).to.match(/^text\/plain/)
    for (const line of [
      'skein_gateway_requests_total{route="chat/completions",status="200"} 2',
      'skein_gateway_requests_total{route="chat/completions",status="400"} 1',
      'skein_gateway_ttft_seconds_count{route="chat/completions"} 2',
      'skein_gateway_request_duration_seconds_count{route="chat/completions"} 3',
      'skein_gateway_tokens_total{kind="prompt"} 14',
      'skein_gateway_tokens_total{kind="completion"} 4',
      'skein_gateway_deltas_total 4',
      'skein_gateway_attempts_total 2',
      'skein_gateway_in_flight_requests 0'
    ]) {
      expect(answer.text.split('\n')).to.include(line)
    }
  })

  it('shares a registry with another gateway', async () => {
    const first = await start()
    const second = await start({ metrics: first.metrics })
    await post(first, ECHO)
    await post(second, ECHO)

    expect(await first.metrics.metrics()).to.include('skein_gateway_requests_total{route="chat/completions",status="200"} 2')
  })

  it('keeps a connection for the next request', async () => {
    const gateway = await start()
    const socket = connect(gateway.port, gateway.host)
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${Buffer.byteLength(ECHO)}\r\n\r\n${ECHO}`
    for (let i = 0; i < 2; i++) {
      socket.write(head)
      expect(String((await once(socket, 'data'))[0])).to.match(/^HTTP\/1.1 200 OK/)
    }
    socket.destroy()
  })

  it('cannot be sent to another host by its path', async () => {
    const seen: unknown[] = []
    const gateway = await start({ fetch: async (input) => { seen.push(String(input)); return new Response('{}') } })
    await ask(gateway, '//evil.example/v1/models')

    expect(new URL(seen[0] as string).host).to.equal('skein.local')
  })

  it('fails to start on a port that is in use, and says what to do', async () => {
    const { port } = await start()
    const error: GatewayListenError = await start({ port }).then(() => expect.fail('started'), (error) => error)

    expect(error).to.be.instanceOf(GatewayListenError)
    expect(error).to.include({ code: 'EADDRINUSE', port, host: '127.0.0.1' })
    expect(error.message).to.include(`port ${port}`).and.include('choose another port')
  })

  it('fails to start on an address that is not its own', async () => {
    const error = await start({ host: '192.0.2.1' }).then(() => expect.fail('started'), (error) => error)

    expect(error).to.be.instanceOf(GatewayListenError).with.property('code', 'EADDRNOTAVAIL')
  })

  it('lets requests under way end before it stops', async () => {
    const call = new PlayedCall()
    const gateway = await start({ caller: call.caller })
    const pending = post(gateway, STREAM)
    await call.asked.promise
    const stopped = gateway.stop({ drainMs: 60_000 })
    call.give({ type: 'delta', text: 'x'.repeat(1_000_000) })
    call.end()

    const answer = await pending
    expect(answer.broken).to.equal(false)
    expect(answer.text).to.match(/data: \[DONE\]\n\n$/)
    await stopped
    expect(await ask(gateway, '/health', { agent: false }).catch((error) => error.code)).to.equal('ECONNREFUSED')
  })

  it('cuts what is under way when its time to drain is over', async () => {
    const waiting = new PlayedCall()
    const first = await start({ caller: waiting.caller })
    const unanswered = post(first, STREAM)
    await waiting.asked.promise
    await first.stop({ drainMs: 0 })
    expect([(await unanswered).status, codeOf(await unanswered)]).to.deep.equal([503, 'shutting_down'])

    const streaming = new PlayedCall()
    const second = await start({ caller: streaming.caller })
    const pending = send(second, '/v1/chat/completions', { body: STREAM })
    streaming.give({ type: 'delta', text: 'x' })
    const response = await pending
    await firstChunk(response)
    const rest = readAll(response)
    await second.stop({ drainMs: 0 })
    expect((await rest).text).to.include('"code":"shutting_down"').and.not.include('[DONE]')
    expect((await rest).broken).to.equal(true)
  })

  it('may be stopped twice', async () => {
    const gateway = await start()
    await Promise.all([gateway.stop(), gateway.stop()])
  })
})
