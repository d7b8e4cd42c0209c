/** A peer in a page of a real Chromium: joins over WebSocket, calls and serves models, and outlives the relay that it is reached through. */
import { networkInterfaces } from 'node:os'
import { fileURLToPath } from 'node:url'
import { createPeer } from '@skein/peer'
import { createSeed } from '@skein/seed'
import { smokeBackend, SMOKE_MODEL_ID } from '@skein/smoke-model'
import { StunResponder } from '@skein/supernode/node'
import { webRtc } from '@skein/webrtc'
import { expect } from 'chai'
import { Chromium, needChromium } from './chromium.ts'
import { eventually } from '../../../core/test/eventually.ts'
import type { Peer } from '@skein/peer'
import type { Seed } from '@skein/seed'
import type { Page } from 'playwright-core'
import type { PageAnswer, TestPage } from './page.ts'

const PAGE = fileURLToPath(new URL('page.ts', import.meta.url))
const TCP = '/ip4/127.0.0.1/tcp/0'
const WEB_SOCKET = '/ip4/127.0.0.1/tcp/0/ws'
const BODY = { model: SMOKE_MODEL_ID, messages: [{ role: 'user', content: 'The whale' }], max_tokens: 24 }

declare const skein: TestPage

describe('a peer in a page', function () {
  this.timeout(60_000)
  let browser: Chromium
  let answer: string
  const nodes: Array<{ stop: () => Promise<void> }> = []

  before(async function () {
    const program = needChromium(this)
    browser = await Chromium.start(program, PAGE)
    answer = await textOf(smokeBackend())
  })

  after(async () => { await browser?.stop() })

  afterEach(async () => {
    await Promise.all(nodes.splice(0).reverse().map(async node => { await node.stop() }))
  })

  async function start<T extends Seed | Peer> (starting: Promise<T>): Promise<T> {
    const node = await starting
    nodes.push(node)
    return node
  }

  const startSeed = async (bootstrap: string[] = []): Promise<Seed> => await start(createSeed({ listen: [TCP, WEB_SOCKET], roles: ['discover', 'relay', 'bootstrap'], bootstrap }))

  /** With `stun` the page speaks WebRTC. */
  async function open (seeds: Seed[], stun?: string[]): Promise<{ page: Page, id: string }> {
    const page = await browser.open()
    nodes.push({ stop: async () => { await page.close() } })
    const id = await page.evaluate(async ([bootstrap, stun]) => await skein.join(bootstrap, stun), [webSockets(seeds), stun] as const)
    return { page, id }
  }

  it('joins over WebSocket, and reads the answer of a peer under Node as it comes', async () => {
    const seed = await startSeed()
    const server = await start(createPeer({ listen: [TCP, WEB_SOCKET], bootstrap: seed.addresses }))
    await server.serve(smokeBackend())
    const { page } = await open([seed])

    const { text, pieces, route } = await page.evaluate(async body => await skein.chat(body), BODY) as PageAnswer
    expect(text).to.equal(answer)
    expect(pieces).to.be.greaterThan(5)
    expect(route).to.deep.include({ peer: server.id, path: 'direct' })
    expect(await page.evaluate(() => skein.connections())).to.satisfy((all: string[]) => all.length > 0 && all.every(address => address.includes('/ws')))
  })

  it('serves the embedded model through a relay', async () => {
    const seed = await startSeed()
    const { page, id } = await open([seed])
    await page.evaluate(async () => { await skein.serve() })

    const caller = await start(createPeer({ listen: [TCP], bootstrap: seed.addresses }))
    await found(caller, id)
    const call = caller.chat(BODY)
    const pieces = await Array.fromAsync(call.textStream())
    expect(pieces.join('')).to.equal(answer)
    expect(pieces.length).to.be.greaterThan(5)
    expect(await call.route).to.deep.include({ peer: id, path: 'relayed' })
  })

  it('is reached through another relay when its own stops', async () => {
    const first = await startSeed()
    const second = await startSeed(first.addresses)
    const { page, id } = await open([first, second])
    await page.evaluate(async () => { await skein.serve() })
    const caller = await start(createPeer({ listen: [TCP], bootstrap: [...first.addresses, ...second.addresses] }))
    await found(caller, id)

    const [held] = await page.evaluate(() => skein.relays())
    const stopped = [first, second].find(seed => seed.id === held?.relay) as Seed
    const other = stopped === first ? second : first
    await stopped.stop()
    await eventually(async () => (await page.evaluate(() => skein.relays())).some(({ relay }) => relay === other.id))
    await eventually(async () => {
      const call = caller.chat(BODY)
      return await call.text().then(text => text === answer, () => false) && (await call.route).peer === id
    })
  })

  describe('over WebRTC', () => {
    const punched = async (ask: () => Promise<PageAnswer>): Promise<PageAnswer> => {
      for (;;) {
        const given = await ask()
        expect(given.text).to.equal(answer)
        if (given.route.path === 'punched') {
          return given
        }
      }
    }
    const askFrom = async (caller: Peer): Promise<PageAnswer> => {
      const call = caller.chat(BODY)
      const pieces = await Array.fromAsync(call.textStream())
      return { text: pieces.join(''), pieces: pieces.length, route: await call.route }
    }

    it('is called by another page, and the relay carries nothing of it any more', async () => {
      const seed = await startSeed()
      const { page: serving, id } = await open([seed], [])
      await serving.evaluate(async () => { await skein.serve() })
      const { page: calling } = await open([seed], [])
      const ask = async (): Promise<PageAnswer> => await calling.evaluate(async body => await skein.chat(body), BODY)
      const { route } = await punched(ask)
      expect(route.peer).to.equal(id)
      expect((await calling.evaluate(() => skein.connections())).filter(address => address.endsWith(`/webrtc/p2p/${id}`))).to.have.length(1)
      await eventually(async () => (await calling.evaluate(() => skein.connections())).every(address => !address.includes('/p2p-circuit/p2p/')))
      expect((await ask()).route.path).to.equal('punched')
    })

    it('asks the STUN server that it was given', async function () {
      const host = Object.values(networkInterfaces()).flat().find(one => one?.family === 'IPv4' && !one.internal)?.address
      if (host === undefined) {
        console.log('      left out: this machine has no address but loopback, from which Chromium does not ask')
        this.skip()
      }
      const stun = await StunResponder.start({ host, port: 0 })
      nodes.push(stun)
      const servers = [`/ip4/${host}/udp/${stun.address.port}`]
      const seed = await startSeed()
      const { page: serving, id } = await open([seed], servers)
      await serving.evaluate(async () => { await skein.serve() })
      const { page: calling } = await open([seed], servers)
      const { route } = await punched(async () => await calling.evaluate(async body => await skein.chat(body), BODY))
      expect(route.peer).to.equal(id)
      expect(stun.counters.answered_total).to.be.greaterThan(1)
    })

    it('is called by a peer under Node', async () => {
      const seed = await startSeed()
      const { page, id } = await open([seed], [])
      await page.evaluate(async () => { await skein.serve() })
      const caller = await start(createPeer({ listen: [], bootstrap: seed.addresses, reachability: { webrtc: webRtc() } }))
      const { route } = await punched(async () => await askFrom(caller))
      expect(route.peer).to.equal(id)
    })

    it('calls a peer under Node that nobody can dial', async () => {
      const seed = await startSeed()
      const server = await start(createPeer({ listen: [], bootstrap: seed.addresses, reachability: { webrtc: webRtc() } }))
      await server.reserveRelay()
      await server.serve(smokeBackend())
      const { page } = await open([seed], [])
      const { route } = await punched(async () => await page.evaluate(async body => await skein.chat(body), BODY))
      expect(route.peer).to.equal(server.id)
    })
  })
})

async function found (caller: Peer, provider: string): Promise<void> {
  await eventually(async () => (await Array.fromAsync(caller.findModel(SMOKE_MODEL_ID))).some(({ peer }) => peer === provider))
}

function webSockets (seeds: Seed[]): string[] {
  return seeds.flatMap(({ addresses }) => addresses).filter(address => address.includes('/ws'))
}

/** What the model answers here: the same request has the same answer everywhere. */
async function textOf (backend: ReturnType<typeof smokeBackend>): Promise<string> {
  let text = ''
  for await (const event of backend.infer({ task: 'chat', model: SMOKE_MODEL_ID, body: BODY }, { signal: new AbortController().signal })) {
    text += event.type === 'delta' ? event.text : ''
  }
  return text
}
