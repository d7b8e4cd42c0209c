/** 100,000 malformed messages: 89,500 to the handlers themselves, 10,500 to a seed over sockets. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { SeededRandom } from '@skein/core'
import { openCapabilities, openOffer, PROTOCOLS, RecordError } from '@skein/records'
import { expect } from 'chai'
import fc from 'fast-check'
import { MessageBounds, messageRule } from '../../../peer/src/message-bounds.ts'
import { DeviceHub } from '../../src/devices/device-hub.ts'
import { SeedService } from '../../src/index.ts'
import { attack, AttackedSeed } from './attacked-seed.ts'
import { expectInTime, honestJoins } from './honest-peer.ts'
import { nearly, SEED, validMessages } from './malformed-messages.ts'
import type { SeedServiceComponents } from '../../src/index.ts'
import type { SeedRequest, SeedResponse } from '@skein/records'
import type { PrivateKey } from '@libp2p/interface'

const MIB = 1024 * 1024
const MAX_GROWTH_BYTES = 10 * MIB

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function heapBytes (): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

/** What a stream of the seed protocol comes to. */
interface SeedHandler {
  decode: (bytes: Uint8Array) => SeedRequest
  answer: (connection: unknown, request: SeedRequest) => Promise<SeedResponse>
}

describe('malformed messages', function () {
  this.timeout(120_000)
  let key: PrivateKey
  let requests: Uint8Array[]
  let records: Uint8Array[]
  let deviceMessages: Uint8Array[]

  before(async () => {
    key = await generateKeyPair('Ed25519');
    ({ requests, records, deviceMessages } = await validMessages(key))
  })

  it('30,000 requests of the seed protocol are refused or answered by its handler', async () => {
    const components = { logger: { forComponent: () => () => {} }, registrar: {} } as unknown as SeedServiceComponents
    const service = new SeedService(components, { random: new SeededRandom(1) })
    const handler = service as unknown as SeedHandler
    const remoteAddr = multiaddr('/ip4/127.0.1.1/tcp/1')
    let decoded = 0
    let peer = 0
    const run = async (numRuns: number): Promise<void> => {
      await fc.assert(fc.asyncProperty(nearly(requests), async bytes => {
        let request: SeedRequest | undefined
        try {
          request = handler.decode(bytes)
        } catch {
          return // the stream is reset
        }
        decoded++
        // many peers, or all would be told that it is too early
        const remotePeer = { toString: () => `peer ${peer++ % 4_000}` }
        const response = await handler.answer({ remotePeer, remoteAddr }, request)
        expect(response.lifeMs).to.equal(0)
      }), { numRuns, seed: SEED })
    }
    await run(1_000)
    const before = heapBytes()
    await run(29_000)
    const grown = heapBytes() - before
    console.log(`      seed protocol: ${decoded} of 30,000 could be decoded; heap +${(grown / MIB).toFixed(1)} MiB; ${JSON.stringify(service.counters.refused)}`)
    expect(decoded).to.be.above(5_000)
    expect(service.counters.refused.malformed_request).to.be.above(1_000)
    expect(service.registry.size).to.equal(0)
    expect(grown).to.be.below(MAX_GROWTH_BYTES)
  })

  it('25,000 signed records are refused with their reason', async () => {
    const reasons: Record<string, number> = {}
    const run = async (numRuns: number): Promise<void> => {
      await fc.assert(fc.asyncProperty(nearly(records), fc.boolean(), async (bytes, asOffer) => {
        try {
          const opened = asOffer ? (await openOffer(bytes, Date.now())).offer : (await openCapabilities(bytes, Date.now())).capabilities
          // what was not changed, or only in what is not signed
          expect(opened.peer).to.equal(peerIdFromPrivateKey(key).toString())
          reasons.good = (reasons.good ?? 0) + 1
        } catch (error) {
          expect(error).to.be.instanceOf(RecordError)
          const { reason } = error as RecordError
          reasons[reason] = (reasons[reason] ?? 0) + 1
        }
      }), { numRuns, seed: SEED })
    }
    await run(1_000)
    const before = heapBytes()
    await run(24_000)
    const grown = heapBytes() - before
    console.log(`      records: ${JSON.stringify(reasons)}; heap +${(grown / MIB).toFixed(1)} MiB`)
    expect(Object.keys(reasons)).to.include.members(['malformed', 'signature', 'wrong_type'])
    expect(grown).to.be.below(MAX_GROWTH_BYTES)
  })

  it('30,000 messages of devices are answered by the hub', () => {
    const hub = new DeviceHub({ rates: { faults: { ratePerSecond: Infinity, burst: Infinity } } }, {
      queuedBytes: () => 0, totalQueuedBytes: () => 0, verify: () => false
    }, new SeededRandom(1))
    const made = fc.oneof(
      nearly(deviceMessages),
      fc.tuple(fc.constantFrom('register', 'discover', 'offer', 'answer', 'iceCandidate', 'relayOpen', 'relayData', 'x'), fc.jsonValue({ maxDepth: 20 }))
        .map(([kind, value]) => new TextEncoder().encode(JSON.stringify({ [kind]: value }))),
      // deeper than any bound, and a name that is none
      fc.nat(5_000).map(depth => new TextEncoder().encode(`{"__proto__":${'['.repeat(depth)}${']'.repeat(depth)}}`))
    )
    let nowMs = 1_000_000
    let answered = 0
    const run = (numRuns: number): void => {
      fc.assert(fc.property(made, fc.boolean(), (bytes, binary) => {
        hub.onMessage(1, bytes, binary, nowMs)
        nowMs += 10
        for (let effect = hub.poll(); effect !== undefined; effect = hub.poll()) {
          answered += effect.type === 'send' ? 1 : 0
          expect(effect.type).to.equal('send')
        }
      }), { numRuns, seed: SEED })
    }
    hub.onOpen(1, { address: 'a' }, nowMs)
    run(1_000)
    const before = heapBytes()
    run(29_000)
    const grown = heapBytes() - before
    console.log(`      devices: ${answered} of 30,000 answered; heap +${(grown / MIB).toFixed(1)} MiB; ${JSON.stringify(hub.counters.refused)}`)
    expect(answered).to.equal(30_000)
    expect(hub.deviceCount).to.equal(0)
    expect(grown).to.be.below(MAX_GROWTH_BYTES)
  })

  it('4,500 beginnings of streams are looked at', () => {
    const begin = Buffer.from(`\u0013/multistream/1.0.0\n${String.fromCharCode(PROTOCOLS.seed.length + 1)}${PROTOCOLS.seed}\n\u0003abc`)
    fc.assert(fc.property(nearly([begin]), fc.nat(50), (bytes, cut) => {
      const bounds = new MessageBounds({ after: line => line === PROTOCOLS.seed ? messageRule(line) : undefined })
      const first = bounds.onBytes(bytes.subarray(0, cut)) ?? bounds.onBytes(bytes.subarray(cut))
      expect(first).to.be.oneOf([undefined, 'malformed', 'oversize'])
    }), { numRuns: 4_500, seed: SEED })
  })

  it('10,500 over sockets leave a seed as it was, and an honest peer joins', async () => {
    const seed = await AttackedSeed.start()
    try {
      const [, calmMs = 0] = await honestJoins(seed, 2)
      // what is made at the first message of each kind is no growth
      await attack('malformedFew', seed.target).report
      const before = await seed.figures()
      const { raging, report } = attack('malformed', seed.target)
      await raging
      const joinsMs = await honestJoins(seed, 5)
      const { answered } = await report
      await new Promise(resolve => setTimeout(resolve, 500))
      const after = await seed.figures()
      const grown = after.heapBytes - before.heapBytes
      console.log(`      over sockets: ${answered} device messages answered; honest joins ${joinsMs.map(ms => ms.toFixed(0)).join(', ')} ms; heap +${(grown / MIB).toFixed(1)} MiB; ` +
        JSON.stringify({ requests: after.counters.refused, inbound: after.inbound }))
      expect(seed.isAlive).to.equal(true)
      expect(answered).to.equal(8_000)
      expect(after.counters.refused.malformed_request).to.be.above(50)
      const { malformed = 0, oversize = 0 } = after.inbound.faults
      expect(malformed + oversize).to.be.above(50)
      expect(await seed.metric('skein_seed_device_refusals_total', 'reason="invalid_json"')).to.be.above(0)
      expectInTime(joinsMs, [calmMs, ...await honestJoins(seed, 1)])
      expect(grown).to.be.below(MAX_GROWTH_BYTES)
    } finally {
      await seed.stop()
    }
  })
})
