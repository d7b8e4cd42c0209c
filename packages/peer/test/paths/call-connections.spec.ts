import { expect } from 'chai'
import { ManualClock } from '@skein/core'
import { awaitBetterPath, dialOffered } from '../../src/paths/call-connections.ts'
import { offerOf } from '../offer-of.ts'
import type { PeerPath } from '@skein/reachability'
import type { DialsInit } from '../../src/paths/call-connections.ts'

const PEER = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'

/** A relayed path to a peer, as the test says, and whoever waits for a better one. */
class Waiting {
  readonly clock = new ManualClock(10_000)
  readonly path: PeerPath = { path: 'relayed', lastPath: 'relayed', why: '', sinceMs: 10_000, failed: [], isStuck: false }
  isOver = false

  constructor (patienceMs = 1_500) {
    void awaitBetterPath(PEER, { clock: this.clock, paths: { patienceMs, pathTo: () => this.path } }, new AbortController().signal)
      .then(() => { this.isOver = true })
  }

  async pass (ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 20) {
      await new Promise(resolve => setImmediate(resolve))
      this.clock.advance(20)
    }
    await new Promise(resolve => setImmediate(resolve))
  }
}

describe('the connection for a call', () => {
  it('is waited for until the path is better', async () => {
    const waiting = new Waiting()
    await waiting.pass(400)
    expect(waiting.isOver).to.equal(false)
    Object.assign(waiting.path, { path: 'punched' })
    await waiting.pass(40)
    expect(waiting.isOver).to.equal(true)
  })

  it('is waited for no longer than patience lasts, nor where a relay is what is left', async () => {
    const patient = new Waiting()
    await patient.pass(1_400)
    expect(patient.isOver).to.equal(false)
    await patient.pass(200)
    expect(patient.isOver).to.equal(true)

    const stuck = new Waiting()
    await stuck.pass(100)
    Object.assign(stuck.path, { isStuck: true })
    await stuck.pass(40)
    expect(stuck.isOver).to.equal(true)
  })

  it('is not waited for where there is to be no patience', async () => {
    const hasty = new Waiting(0)
    await hasty.pass(20)
    expect(hasty.isOver).to.equal(true)
  })

  it('is dialled by what the offer says, which is remembered', async () => {
    const dialled: string[] = []
    const merged: string[] = []
    const libp2p = {
      getConnections: () => [],
      peerStore: { merge: async (_: unknown, { multiaddrs }: { multiaddrs: unknown[] }) => { merged.push(...multiaddrs.map(String)) } },
      dial: async (target: unknown) => { dialled.push(...[target].flat().map(String)) }
    } as unknown as DialsInit['libp2p']
    const signal = new AbortController().signal
    await dialOffered({ libp2p }, offerOf({ peer: PEER, addresses: ['/ip4/203.0.113.7/tcp/4001'] }), { signal })
    expect([dialled, merged]).to.deep.equal([[`/ip4/203.0.113.7/tcp/4001/p2p/${PEER}`], [`/ip4/203.0.113.7/tcp/4001/p2p/${PEER}`]])
    await dialOffered({ libp2p }, offerOf({ peer: PEER, addresses: [] }), { signal })
    expect(dialled.at(-1)).to.equal(PEER)
  })
})
