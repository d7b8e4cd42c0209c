/** Challenges between real libp2p nodes over TCP on loopback. */
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { PROTOCOLS } from '@skein/records'
import { expect } from 'chai'
import { createLibp2p } from 'libp2p'
import { CapabilityError, CapabilityService } from '../../src/libp2p/index.ts'
import { mostChallengeBytes, startMemoryProver } from '../../src/node/index.ts'
import type { CapabilityServiceInit } from '../../src/libp2p/index.ts'
import type { StartProver } from '../../src/index.ts'
import type { Libp2p } from '@libp2p/interface'

const MIB = 1024 * 1024
const BOUNDS = { mostBytes: 256 * MIB, leastBytes: 4 * MIB, perHour: 100, strangersPerHour: 100 }

interface Measurer {
  node: Libp2p
  capability: CapabilityService
  id: string
  answered: string[]
}

describe('capability challenges', function () {
  this.timeout(60_000)
  const running: Measurer[] = []

  async function start (init: Omit<CapabilityServiceInit, 'libp2p'> = {}): Promise<Measurer> {
    const node = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionMonitor: { enabled: false },
      services: { identify: identify() }
    })
    const capability = new CapabilityService({ libp2p: node, ...init })
    const answered: string[] = []
    capability.addEventListener('challenge:answered', ({ detail }) => { answered.push(`${detail.bytes / MIB} MiB`) })
    capability.addEventListener('challenge:refused', ({ detail }) => { answered.push(detail.refusal) })
    await capability.start()
    const measurer = { node, capability, id: node.peerId.toString(), answered }
    running.push(measurer)
    return measurer
  }

  async function pair (prover: Omit<CapabilityServiceInit, 'libp2p'>): Promise<[verifier: Measurer, prover: Measurer]> {
    const [one, other] = [await start(), await start(prover)]
    await one.node.dial(other.node.getMultiaddrs())
    return [one, other]
  }

  async function failure (work: Promise<unknown>): Promise<CapabilityError> {
    const error = await work.then(value => { throw new Error(`no failure but ${JSON.stringify(value)}`) }, error => error)
    expect(error, String((error as Error).stack)).to.be.instanceOf(CapabilityError)
    return error
  }

  afterEach(async () => {
    await Promise.all(running.splice(0).map(async ({ node, capability }) => {
      await capability.stop()
      await node.stop()
    }))
  })

  it('show that a peer holds 64 MiB and how fast it reads them, while it goes on serving', async () => {
    const [verifier, prover] = await pair({ prover: { ...BOUNDS, start: startMemoryProver } })
    const timer = { longestMs: 0, lastMs: performance.now(), turns: 0 }
    const interval = setInterval(() => {
      timer.longestMs = Math.max(timer.longestMs, performance.now() - timer.lastMs)
      timer.lastMs = performance.now()
      timer.turns++
    }, 5)
    const measured = await verifier.capability.measureMemory(prover.id, { bytes: 64 * MIB })
    clearInterval(interval)
    expect(measured.ramBytes).to.equal(64 * MIB)
    expect(measured.memoryBytesPerSecond).to.be.above(1e6)
    expect(measured.readMicros).to.be.below(20)
    while (prover.answered.length === 0) {
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    expect(prover.answered).to.deep.equal(['64 MiB'])
    // both nodes are in this thread: it would not have turned at all if the buffer were filled in it
    expect(timer.turns).to.be.above(10)
  })

  it('are refused: by one that answers none, one for which it is too much, one that is busy', async () => {
    const [verifier, browser] = await pair({})
    expect((await failure(verifier.capability.measureMemory(browser.id, { bytes: 4 * MIB }))).code).to.equal('declined')
    const small = await start({ prover: { ...BOUNDS, mostBytes: 8 * MIB, start: startMemoryProver } })
    await verifier.node.dial(small.node.getMultiaddrs())
    expect(await failure(verifier.capability.measureMemory(small.id, { bytes: 16 * MIB }))).to.deep.include({ code: 'too_large', mostBytes: 8 * MIB })
    const second = await start()
    await second.node.dial(small.node.getMultiaddrs())
    const [first, other] = await Promise.allSettled([
      verifier.capability.measureMemory(small.id, { bytes: 8 * MIB }), second.capability.measureMemory(small.id, { bytes: 8 * MIB })
    ])
    const outcomes = [first, other].map(result => result.status === 'fulfilled' ? 'measured' : (result.reason as CapabilityError).code)
    expect(outcomes.toSorted()).to.deep.equal(['busy', 'measured'])
  })

  it('are answered to a peer once an hour', async () => {
    const [verifier, prover] = await pair({ prover: { ...BOUNDS, start: startMemoryProver }, isKnown: () => true })
    await verifier.capability.measureMemory(prover.id, { bytes: 4 * MIB })
    const error = await failure(verifier.capability.measureMemory(prover.id, { bytes: 4 * MIB }))
    expect(error.code).to.equal('busy')
    expect(error.retryAfterMs).to.be.within(3_500_000, 3_600_000)
  })

  it('find one that answers with the openings of another buffer, and one that sends no answers', async () => {
    const cheat: StartProver = () => {
      const honest = startMemoryProver()
      return { ...honest, begin: async challenge => await honest.begin({ ...challenge, prover: 'somebody else who has the memory' }) }
    }
    const [verifier, prover] = await pair({ prover: { ...BOUNDS, start: cheat } })
    expect(await failure(verifier.capability.measureMemory(prover.id, { bytes: 4 * MIB }))).to.deep.include({ code: 'wrong', fault: 'block' })
    const mute = await start()
    await mute.node.handle(PROTOCOLS.check, stream => { stream.abort(new Error('no')) })
    await verifier.node.dial(mute.node.getMultiaddrs())
    expect((await failure(verifier.capability.measureMemory(mute.id, { bytes: 4 * MIB }))).code).to.equal('unreachable')
  })

  it('free the place and the memory when the verifier goes away', async () => {
    const started: Array<Promise<void>> = []
    const [verifier, prover] = await pair({
      isKnown: () => true,
      prover: {
        ...BOUNDS,
        start: () => {
          const honest = startMemoryProver()
          const closed = Promise.withResolvers<void>()
          started.push(closed.promise)
          return { ...honest, close: async () => { await honest.close(); closed.resolve() } }
        }
      }
    })
    const gone = new AbortController()
    const measuring = verifier.capability.measureMemory(prover.id, { bytes: 256 * MIB, signal: gone.signal })
    while (started.length === 0) {
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    gone.abort(new Error('changed its mind'))
    expect(await measuring.catch((error: Error) => error.message)).to.equal('changed its mind')
    await started[0]
    const next = await start()
    await next.node.dial(prover.node.getMultiaddrs())
    expect((await next.capability.measureMemory(prover.id, { bytes: 4 * MIB })).ramBytes).to.equal(4 * MIB)
  })

  it('are for no more than a small part of the memory there is', () => {
    expect(mostChallengeBytes(64 * 2 ** 30, 32 * 2 ** 30)).to.equal(256 * MIB)
    expect(mostChallengeBytes(1 * 2 ** 30, 512 * MIB)).to.equal(128 * MIB)
    expect(mostChallengeBytes(1 * 2 ** 30, 100 * MIB)).to.equal(0)
  })
})
