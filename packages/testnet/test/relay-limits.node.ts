/** Answers that are longer than what a circuit of a relay carries: whole, or an error before anything of them is given. Real nodes, the seed's relay. */
import { createSeed } from '@skein/seed'
import { InferenceError } from '@skein/inference'
import { expect } from 'chai'
import { createTestnet } from '../src/index.ts'
import type { Testnet } from '../src/index.ts'
import type { Peer, PeerInit } from '@skein/peer'
import type { Seed } from '@skein/seed'

const SMALL_CIRCUIT_BYTES = 64 * 1024
/** Five such circuits. */
const WORDS = 30_000
const LONG = Array.from({ length: WORDS }, (_, i) => `word${i} `)

describe('an answer that is longer than a circuit', function () {
  this.timeout(60_000)
  let net: Testnet
  let caller: Peer
  let provider: Peer
  let roomy: Seed
  const errors: InferenceError[] = []

  before(async () => {
    net = await createTestnet({
      peers: 0,
      networks: true,
      seed: { roles: ['discover', 'bootstrap', 'relay'], relay: { limits: { circuitBytes: SMALL_CIRCUIT_BYTES } } }
    })
    // it is reached through the relay alone: nothing to dial it at, it dials nobody but seeds, and it does not punch
    provider = await net.addPeer(behind)
    caller = await net.addPeer({ listen: [], checks: false })
    caller.addEventListener('call:attempt', ({ detail: { error } }) => { errors.push(...error === undefined ? [] : [error]) })
    await provider.reserveRelay()
    await provider.serve('same', () => LONG, { deterministic: true })
    await provider.serve('other', () => LONG, { tokensPerSecond: 1_000 })
    await found('same')
    await found('other')
  })

  beforeEach(() => { errors.length = 0 })

  after(async () => {
    await net?.stop()
    await roomy?.stop()
  })

  const isSeed = (address: { toString: () => string }): boolean =>
    [...net.bootstrap, ...roomy?.addresses ?? []].some(seed => address.toString().startsWith(seed))
  const behind: PeerInit = { listen: [], reachability: false, connectionGater: { denyDialMultiaddr: address => !isSeed(address) } }

  async function found (model: string, relays = 1): Promise<void> {
    for (;;) {
      for await (const { addresses } of caller.findModel(model)) {
        if (new Set(addresses.flatMap(address => /\/p2p\/([^/]+)\/p2p-circuit/.exec(address)?.[1] ?? [])).size >= relays) {
          return
        }
      }
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  it('goes on over the next circuit where it can be said again, to the last character', async () => {
    const chat = caller.chat({ model: 'same', messages: [], max_tokens: WORDS })
    expect(await chat.text()).to.equal(LONG.join(''))
    expect((await chat.route).path).to.equal('relayed')
    const cuts = errors.map(({ code, deltas }) => ({ code, deltas }))
    const relayed = caller.meshServices.paths?.counters.bytes_total.relayed ?? 0
    console.log(`      ${LONG.join('').length} characters over ${cuts.length + 1} circuits of ${SMALL_CIRCUIT_BYTES} bytes; ${relayed} bytes of answers`)
    expect(cuts.length).to.be.above(3)
    expect(new Set(cuts.map(({ code }) => code))).to.deep.equal(new Set(['stream_truncated']))
    expect(Math.min(...cuts.map(({ deltas }) => deltas))).to.be.above(0)
    // sent once, not once more for each circuit
    expect(relayed).to.be.below(cuts.length * SMALL_CIRCUIT_BYTES * 1.5)
  })

  it('is not begun where it could not be said again, and that is told', async () => {
    let pieces = 0
    try {
      for await (const { text } of caller.chat({ model: 'other', messages: [], max_tokens: WORDS })) {
        pieces += text.length
      }
      expect.fail('it was begun')
    } catch (error) {
      expect(error).to.be.instanceOf(InferenceError).and.include({ code: 'relay_limit', retryable: true, peer: provider.id, deltas: 0 })
      expect((error as Error).message).to.include('ask for fewer tokens')
    }
    expect(pieces).to.equal(0)
  })

  it('goes through another relay that carries it, where its provider has one', async () => {
    roomy = await createSeed({ listen: ['/ip4/127.200.0.1/tcp/0'], roles: ['discover', 'bootstrap', 'relay'], bootstrap: net.bootstrap })
    const second = await net.addPeer({ ...behind, bootstrap: [...net.bootstrap, ...roomy.addresses] })
    await second.reserveRelay()
    while (second.relays.length < 2) {
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    await second.serve('third', () => LONG, { tokensPerSecond: 1_000 })
    await found('third', 2)
    const chat = caller.chat({ model: 'third', messages: [], max_tokens: WORDS })
    expect(await chat.text()).to.equal(LONG.join(''))
    expect(await chat.route).to.include({ peer: second.id, path: 'relayed' })
    expect(errors).to.deep.equal([])
  })
})
