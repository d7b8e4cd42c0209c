import { expect } from 'chai'
import { ManualClock } from '@skein/core'
import { CallConnections } from '../../src/paths/call-connections.ts'
import { offerOf } from '../offer-of.ts'
import type { PeerPath } from '@skein/reachability'
import type { CallConnectionsInit } from '../../src/paths/call-connections.ts'
import type { ProviderView } from '../../src/ranking.ts'

const PEER = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
const CIRCUIT = '/ip4/203.0.113.1/tcp/4001/p2p/12D3KooWHFKTMzwerBtsVmtz4ZZEQy2heafxzWw6wNn5PPYkBxJ5/p2p-circuit'
const OFFER = offerOf({ peer: PEER, addresses: [CIRCUIT] })
const VIEW: ProviderView = { path: 'unconnected', ownRequests: 0 }

/** A node of which the paths are what the test says. */
class Node {
  readonly clock = new ManualClock(10_000)
  path: PeerPath | undefined
  dials = 0
  isOver = false
  readonly connections: CallConnections
  failure: Error | undefined

  constructor (patienceMs = 1_500) {
    const libp2p = {
      getConnections: () => [],
      peerStore: { merge: async () => undefined },
      services: {},
      dial: async () => {
        this.dials++
        if (this.failure !== undefined) {
          throw this.failure
        }
        this.path = { path: 'relayed', lastPath: 'relayed', why: '', sinceMs: this.clock.nowMs(), failed: [], isStuck: false }
      }
    } as unknown as CallConnectionsInit['libp2p']
    this.connections = new CallConnections({
      libp2p, clock: this.clock, paths: { patienceMs, hasIPv6: undefined, connectionTo: () => undefined, pathTo: () => this.path }
    })
  }

  async before (view = VIEW, offer = OFFER): Promise<void> {
    await this.connections.beforeCall(offer, view, { signal: new AbortController().signal, firstDeltaTimeoutMs: 8_000 })
    this.isOver = true
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
    const node = new Node()
    const before = node.before()
    await node.pass(400)
    expect(node).to.include({ dials: 1, isOver: false })
    Object.assign(node.path as PeerPath, { path: 'punched' })
    await node.pass(40)
    expect(node.isOver).to.equal(true)
    await before
  })

  it('is waited for no longer than patience lasts, nor where a relay is what is left', async () => {
    const patient = new Node()
    const before = patient.before()
    await patient.pass(1_400)
    expect(patient.isOver).to.equal(false)
    await patient.pass(200)
    expect(patient.isOver).to.equal(true)
    await before

    const stuck = new Node()
    const other = stuck.before()
    await stuck.pass(100)
    Object.assign(stuck.path as PeerPath, { isStuck: true })
    await stuck.pass(40)
    expect(stuck.isOver).to.equal(true)
    await other
  })

  it('is begun, and not waited for, where the provider can be dialled, and where there is to be no patience', async () => {
    const node = new Node()
    await node.before(VIEW, offerOf({ peer: PEER, addresses: ['/ip4/203.0.113.7/tcp/4001'] }))
    const hasty = new Node(0)
    await hasty.before()
    expect([node.dials, hasty.dials]).to.deep.equal([1, 1])
  })

  it('that cannot be made is told as a call is that did not reach its peer, so that the next provider is asked', async () => {
    const node = new Node()
    node.failure = new Error('refused')
    const error = await node.before().then(() => undefined, error => error as { code: string, retryable: boolean })
    expect(error).to.include({ code: 'connection_failed', retryable: true })
  })
})
