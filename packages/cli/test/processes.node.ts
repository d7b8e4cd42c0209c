import { once } from 'node:events'
import { createServer } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { SseParser } from '@skein/inference'
import { expect } from 'chai'
import type { AddressInfo } from 'node:net'
import { SkeinProcess } from './skein-process.ts'

const MODEL = 'skein-smoke-1'
const LOOPBACK = ['--listen', '/ip4/127.0.0.1/tcp/0', '--ephemeral']
const OFFER_LIFE_S = 6

describe('a mesh of separate processes', function () {
  this.timeout(120_000)
  const running: SkeinProcess[] = []
  let seedAddress: string
  let gatewayUrl: string
  const peers = new Map<string, SkeinProcess>()
  /** When each was killed */
  const killed = new Map<string, number>()

  function skein (...args: string[]): SkeinProcess {
    const child = new SkeinProcess(args)
    running.push(child)
    return child
  }

  async function startPeer (): Promise<void> {
    const child = skein('peer', ...LOOPBACK, '--seed', seedAddress, '--serve', 'smoke', '--pace', '25', '--offer-life', String(OFFER_LIFE_S))
    const { id } = await child.event('listening')
    await child.event('ready')
    peers.set(id, child)
  }

  function kill (id: string): void {
    peers.get(id)?.kill('SIGKILL')
    peers.delete(id)
    killed.set(id, Date.now())
  }

  async function find (): Promise<Array<{ peer: string, expiresAtMs: number }>> {
    const child = skein('find', MODEL, '--seed', seedAddress)
    await child.exit()
    return child.events.filter(({ event }) => event === 'offer').map(({ offer }) => offer)
  }

  async function chat (maxTokens: number): Promise<{ response: Response, read: () => AsyncGenerator<string> }> {
    const response = await fetch(`${gatewayUrl}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: MODEL, stream: true, max_tokens: maxTokens, messages: [{ role: 'user', content: 'The sea' }] })
    })
    async function * read (): AsyncGenerator<string> {
      const parser = new SseParser()
      for await (const bytes of response.body as ReadableStream<Uint8Array>) {
        yield * parser.push(bytes)
      }
    }
    return { response, read }
  }

  before(async () => {
    const seed = skein('seed', ...LOOPBACK, '--log-level', 'warn')
    seedAddress = (await seed.event('listening')).addresses[0]
    await Promise.all([startPeer(), startPeer()])
    const gateway = skein('gateway', ...LOOPBACK, '--seed', seedAddress, '--port', '0')
    gatewayUrl = (await gateway.event('listening')).url
  })

  after(async () => {
    await Promise.all(running.map(async child => { await child.dispose() }))
  })

  it('finds who serves a model, and says with its status when nobody does', async () => {
    expect((await find()).map(({ peer }) => peer)).to.have.members([...peers.keys()])
    const nobody = skein('find', 'no-such-model', '--seed', seedAddress)
    expect((await nobody.exit()).code).to.equal(1)
    expect(nobody.events.at(-1)).to.include({ event: 'error', name: 'InferenceError', code: 'no_provider' })
  })

  it('answers through the gateway, whole', async () => {
    const { response, read } = await chat(10)
    const events = await Array.fromAsync(read())
    expect(response.status).to.equal(200)
    expect(peers.has(response.headers.get('x-skein-peer') as string)).to.equal(true)
    expect(events.at(-1)).to.equal('[DONE]')
  })

  /** The events of an answer, whose peer is killed after the fourth. */
  async function cutShort (maxTokens: number): Promise<{ events: string[], failed: unknown }> {
    const { response, read } = await chat(maxTokens)
    const victim = response.headers.get('x-skein-peer') as string
    const events: string[] = []
    try {
      for await (const data of read()) {
        events.push(data)
        if (events.length === 4) {
          kill(victim)
        }
      }
      return { events, failed: undefined }
    } catch (failed) {
      return { events, failed }
    }
  }

  const textOf = (events: string[]): string =>
    events.filter(data => data !== '[DONE]').map(data => JSON.parse(data).choices?.[0]?.delta?.content ?? '').join('')

  it('goes on at another peer when the serving one is killed in mid-answer, and the answer is whole', async () => {
    const { read } = await chat(60)
    const undisturbed = textOf(await Array.fromAsync(read()))
    const { events, failed } = await cutShort(60)
    expect([events.at(-1), failed]).to.deep.equal(['[DONE]', undefined])
    expect(textOf(events)).to.equal(undisturbed)
  })

  it('tells the client when nobody is left to go on in mid-answer, and gives no short answer for a whole one', async () => {
    const { events, failed } = await cutShort(200)
    expect(events.length).to.be.above(3)
    expect(events).to.not.include('[DONE]')
    const last = JSON.parse(events.at(-1) as string)
    expect(last.error?.code, JSON.stringify({ last, failed: String(failed) })).to.be.oneOf(['stream_truncated', 'connection_failed'])
  })

  it('moves on to another peer when one was killed while idle, and drops the dead one\'s offer within its life', async () => {
    await Promise.all([startPeer(), startPeer()])
    for (let i = 0; i < 50 && (await find()).length < 2; i++) {
      await pause(100)
    }
    const [victim] = peers.keys() as unknown as [string]
    const dying = peers.get(victim)
    kill(victim)
    await dying?.exit()

    for (let i = 0; i < 6; i++) {
      const { response, read } = await chat(3)
      expect(response.status).to.equal(200)
      expect(response.headers.get('x-skein-peer')).to.not.equal(victim)
      expect((await Array.fromAsync(read())).at(-1)).to.equal('[DONE]')
    }

    const ofTheDead = (offers: Array<{ peer: string, expiresAtMs: number }>): typeof offers => offers.filter(({ peer }) => killed.has(peer))
    let offers = await find()
    while (ofTheDead(offers).length > 0) {
      // an offer of a dead peer may be shown as long as it lives, and it was signed before the peer died
      for (const { peer, expiresAtMs } of ofTheDead(offers)) {
        expect(expiresAtMs).to.be.at.most(killed.get(peer) as number + OFFER_LIFE_S * 1000)
      }
      await pause(200)
      offers = await find()
    }
    expect(offers.map(({ peer }) => peer)).to.have.members([...peers.keys()])
  })

  it('ends in order when it is asked to', async () => {
    const ends = [...running].filter(child => !child.events.some(({ event }) => event === 'stopped' || event === 'error' || event === 'found') && child.events.length > 0)
    for (const child of ends) {
      child.kill('SIGTERM')
    }
    for (const child of ends) {
      const { code, signal } = await child.exit()
      if (signal !== 'SIGKILL') {
        expect({ code, last: child.events.at(-1)?.event, stderr: child.stderr }).to.deep.equal({ code: 0, last: 'stopped', stderr: '' })
      }
    }
  })
})

describe('skein up', function () {
  this.timeout(60_000)

  it('brings up a mesh, gives one complete answer, and ends with status 0', async () => {
    const child = new SkeinProcess(['up', '--port', '0', '--peers', '3', '--exit', '--no-local-server'])
    const { code } = await child.exit()
    expect(code, child.stderr).to.equal(0)
    const serving = child.events.filter(({ event, models }) => event === 'peer' && models.includes(MODEL)).map(({ id }) => id)
    expect(serving).to.have.length(2)
    const answer = await child.event('answer')
    expect(serving).to.include(answer.peer)
    expect(answer.text.length).to.be.above(50)
    expect(child.events.filter(({ event }) => event === 'delta').map(({ text }) => text).join('')).to.equal(answer.text)
  })

  it('offers the models of a server that runs on this machine too', async () => {
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ object: 'list', data: [{ id: 'some-llama:3b', object: 'model', created: 0, owned_by: 'me' }] }))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const child = new SkeinProcess(['up', '--port', '0', '--peers', '3', '--exit', '--local-server', `http://127.0.0.1:${port}/v1`])
    try {
      expect((await child.exit()).code, child.stderr).to.equal(0)
      expect(child.events.filter(({ event }) => event === 'peer').flatMap(({ models }) => models)).to.include('some-llama:3b')
    } finally {
      await child.dispose()
      server.close()
    }
  })

  it('keeps running without --exit, for any OpenAI client, until it is stopped', async () => {
    const child = new SkeinProcess(['up', '--port', '0', '--peers', '2', '--no-local-server'])
    try {
      const { url } = await child.event('ready')
      const models = await (await fetch(`${url}/models`)).json() as { data: Array<{ id: string }> }
      expect(models.data.map(({ id }) => id)).to.include(MODEL)
      expect((await (await fetch(url.replace('/v1', '/health'))).json() as { status: string }).status).to.equal('ok')
      child.kill('SIGINT')
      expect((await child.exit()).code).to.equal(0)
    } finally {
      await child.dispose()
    }
  })
})

describe('the skein command', function () {
  this.timeout(60_000)

  it('keeps its identity in its data folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'skein-cli-'))
    const ids: string[] = []
    try {
      for (let i = 0; i < 2; i++) {
        const child = new SkeinProcess(['seed', '--listen', '/ip4/127.0.0.1/tcp/0', '--data', folder])
        ids.push((await child.event('listening')).id)
        child.kill('SIGTERM')
        expect((await child.exit()).code).to.equal(0)
      }
      expect(ids[0]).to.equal(ids[1])
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  const wrong: Array<[string, string[], number, RegExp]> = [
    ['an unknown command', ['fly'], 2, /unknown command/],
    ['a number that is none', ['up', '--peers', 'many'], 2, /whole number from 2 to 100/],
    ['an address that is none', ['find', 'm', '--seed', 'here'], 2, /multiaddr.*srv:seeds\.example\.org/],
    ['a name of seeds that is none', ['peer', ...LOOPBACK, '--seed', 'srv:no/host'], 2, /host name after "srv:"/],
    ['a name of seeds that is not there', ['find', 'm', '--seed', '/dnsaddr/seeds.invalid', '--timeout', '10'], 1, /No peer offers m now/],
    ['a backend that is none', ['peer', ...LOOPBACK, '--serve', 'magic'], 1, /--serve magic: expected "smoke"/],
    ['nobody to ask', ['find', 'm'], 1, /--seed/]
  ]
  for (const [name, args, status, message] of wrong) {
    it(`says what is wrong with ${name}, with status ${status}`, async () => {
      const child = new SkeinProcess(args)
      expect((await child.exit()).code).to.equal(status)
      expect(child.stderr).to.match(message)
    })
  }
})
