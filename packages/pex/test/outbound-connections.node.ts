/** The connections that a real node makes itself, over TCP on loopback. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { ManualClock, SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { createLibp2p } from 'libp2p'
import { DialLimits, KeptAddressTables } from '../src/index.ts'
import { DialRefusedError, limitDials, OutboundConnections, peerExchange } from '../src/libp2p/index.ts'
import { eventually } from '../../core/test/eventually.ts'
import type { PeerExchangeService } from '../src/libp2p/index.ts'
import type { OutboundConnectionsInit } from '../src/libp2p/index.ts'
import type { AddressTablesStore, StoreChanges } from '../src/index.ts'
import type { Identify } from '@libp2p/identify'
import type { ConnectionGater, Libp2p, PeerId, PeerStore } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'

type PexNode = Libp2p<{ identify: Identify, pex: PeerExchangeService, dialer: Dialer }>
interface Dialer { connectionManager: ConnectionManager, peerStore: PeerStore }

const nameOf = (node: Libp2p): string => node.peerId.toString()
const placeOf = (node: Libp2p): string => (node.getMultiaddrs()[0] as object).toString().replace(/\/p2p\/.*/, '')

describe('the connections that a real node makes itself', function () {
  this.timeout(30_000)
  // what holds this process up for a moment is thirty times as long by the clock of the test
  this.retries(2)
  const clock = new ManualClock(Date.now())
  const stops: Array<() => Promise<void>> = []
  let ticking: NodeJS.Timeout

  // half a minute in a second: time enough for what libp2p does by another clock
  beforeEach(() => { ticking = setInterval(() => { clock.advance(300) }, 10) })
  afterEach(async () => {
    await Promise.all(stops.splice(0).map(async stop => { await stop() }))
    clearInterval(ticking)
  })

  async function createNode (dials = new DialLimits(), connectionGater: ConnectionGater = {}, isUsed?: () => boolean): Promise<PexNode> {
    const node = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionMonitor: { enabled: false },
      connectionManager: { inboundConnectionThreshold: 1000 },
      connectionGater,
      services: {
        identify: identify(),
        pex: peerExchange({ fillMs: 2_000, dials, clock, isUsed }),
        dialer: (components: Dialer) => {
          const { connectionManager, peerStore } = limitDials(components, { dials, clock })
          return { connectionManager, peerStore }
        }
      }
    })
    stops.push(async () => { await node.stop() })
    return node
  }

  /** Whose tables know the peers given, told by nobody in particular. */
  async function keep (node: PexNode, known: PexNode[], init: Partial<OutboundConnectionsInit> = {}, store?: AddressTablesStore): Promise<OutboundConnections> {
    const random = new SeededRandom(3)
    const kept = await KeptAddressTables.open({ store, clock, random })
    known.forEach(other => { kept.tables.add(nameOf(other), [placeOf(other)], { peer: 'somebody' }) })
    const log = node.logger.forComponent('test')
    const outbound = new OutboundConnections({ libp2p: node, kept, dials: new DialLimits(), clock, random, log, ...init })
    outbound.start()
    stops.unshift(async () => { outbound.stop() })
    return outbound
  }

  it('are made from what it knows, named as anchors, and carry a tag while they stand', async () => {
    const [node, ...others] = [await createNode(), await createNode(), await createNode()] as const
    const saved: StoreChanges[] = []
    const store = {
      load: async () => ({ known: [], anchors: [] }),
      save: async (changes: StoreChanges) => { saved.push(changes) },
      close: async () => {}
    }
    const outbound = await keep(node, [...others], {}, store)
    await eventually(() => outbound.reserved.length === 2)
    expect(outbound.reserved).to.have.members(others.map(nameOf))
    const isTagged = async (peer: PeerId): Promise<boolean> => (await node.peerStore.get(peer)).tags.has('skein-outbound')
    await eventually(async () => await isTagged(others[0].peerId) && await isTagged(others[1].peerId))
    expect(saved.flatMap(({ key }) => key ?? [])).to.have.length(1)
    expect(saved.at(-1)?.anchors).to.have.members(others.map(nameOf))
    // an anchor is of no use without its address
    expect(saved.flatMap(({ changed }) => changed.filter(({ tried }) => tried).map(({ peer }) => peer))).to.include.members(others.map(nameOf))

    await others[0].stop()
    await eventually(async () => outbound.reserved.length === 1 && !await isTagged(others[0].peerId))
    outbound.stop()
    outbound.start()
    // what stands still stands, and the anchor that is gone is dialled in vain
    expect(outbound.reserved).to.deep.equal([nameOf(others[1])])
    await eventually(() => outbound.counters.dials_failed_total > 0)
  })

  it('lead to peers that it hears of by exchange', async () => {
    const [node, guide, far] = [await createNode(), await createNode(), await createNode()]
    const outbound = await keep(node, [], { exchange: node.services.pex })
    await far.dial(guide.getMultiaddrs())
    await node.dial(guide.getMultiaddrs())
    outbound.onChosen(guide.peerId, 'given')
    // the far one hears of the first one too, and may be the faster to dial
    await eventually(() => node.getPeers().some(peer => peer.equals(far.peerId)) || outbound.tables.get(nameOf(far))?.tried === true)
    expect(outbound.reserved).to.include(nameOf(guide))
  })

  it('are remembered by where peers listen, and not by the ports that they came from', async () => {
    const [node, guest] = [await createNode(), await createNode()]
    const outbound = await keep(node, [], { onlyToJoin: true })
    await guest.dial(node.getMultiaddrs())
    await eventually(() => outbound.tables.size === 1)
    expect(outbound.tables.get(nameOf(guest))).to.deep.include({ addresses: [placeOf(guest)], tried: false })
  })

  it('are feelers too, which are closed again unless something needs them', async () => {
    const [node, idle, busy] = [await createNode(), await createNode(), await createNode()]
    await busy.handle('/chat', () => {})
    const outbound = await keep(node, [idle, busy], { rule: { outbound: 0 }, feelerMs: 30_000 })
    node.addEventListener('connection:open', ({ detail }) => {
      if (detail.remotePeer.equals(busy.peerId)) {
        void detail.newStream('/chat')
      }
    })
    await eventually(() => outbound.tables.count(true) === 2)
    await eventually(() => node.getPeers().length === 1)
    const untilMs = clock.nowMs() + 30_000
    await eventually(() => clock.nowMs() > untilMs)
    expect(node.getPeers().map(String)).to.deep.equal([nameOf(busy)])
    expect(outbound.counters).to.deep.include({ feelers_total: 2, feelers_failed_total: 0, dials_total: 0 })
  })

  it('that were dialled for an exchange are closed again, when it is told what is used', async () => {
    // either of them may dial the other first
    const unused = async (): Promise<PexNode> => await createNode(new DialLimits(), {}, () => false)
    const [node, guide, far] = [await unused(), await createNode(), await unused()]
    await far.dial(guide.getMultiaddrs())
    await node.dial(guide.getMultiaddrs())
    await eventually(() => node.getConnections(far.peerId).length > 0)
    await eventually(() => node.getConnections(far.peerId).length === 0)
    expect(node.getConnections(guide.peerId)).to.have.length(1)
    expect(node.services.pex.view.get(nameOf(far))?.checkedMs).to.be.a('number')
  })

  it('come from other services only by the rule of networks', async () => {
    const attempts: string[] = []
    const gater = {
      denyDialMultiaddr: (address: object) => {
        attempts.push(address.toString())
        return !address.toString().startsWith('/ip4/127.0.0.1')
      }
    }
    const dials = new DialLimits()
    const [node, near] = [await createNode(dials, gater), await createNode()]
    const { connectionManager, peerStore } = node.services.dialer
    const outcome = async (peer: PeerId): Promise<string> => await connectionManager.openConnection(peer)
      .then(() => 'connected', error => error instanceof DialRefusedError ? error.reason : 'dialled')
    const outcomes: string[] = []
    for (let host = 1; host <= 5; host++) {
      const stranger = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
      await peerStore.merge(stranger, { multiaddrs: [multiaddr(`/ip4/198.51.100.${host}/tcp/1`)] })
      outcomes.push(await outcome(stranger))
    }
    outcomes.push(await outcome(peerIdFromPrivateKey(await generateKeyPair('Ed25519'))))
    expect(outcomes).to.deep.equal(['dialled', 'dialled', 'network', 'network', 'network', 'no_address'])
    expect(attempts).to.have.length(2)
    expect(dials.counters.refused_total).to.equal(4)

    await peerStore.merge(near.peerId, { multiaddrs: near.getMultiaddrs() })
    expect([await outcome(near.peerId), await outcome(near.peerId)]).to.deep.equal(['connected', 'connected'])
    expect(node.getConnections(near.peerId)).to.have.length(1)
    await near.handle('/chat', () => {})
    expect((await connectionManager.openStream(near.peerId, '/chat')).protocol).to.equal('/chat')
  })

  it('exchange records again when the node was stopped and started', async () => {
    const [node, guide, far] = [await createNode(), await createNode(), await createNode()]
    await node.dial(guide.getMultiaddrs())
    await eventually(() => node.services.pex.view.get(nameOf(guide)) !== undefined || guide.services.pex.view.get(nameOf(node)) !== undefined)
    await node.stop()
    expect(node.services.pex.isStarted()).to.equal(false)
    await node.start()
    const asked = node.services.pex.counters.asks_total
    await far.dial(guide.getMultiaddrs())
    await node.dial(guide.getMultiaddrs())
    await eventually(() => node.services.pex.counters.asks_total > asked && node.services.pex.view.get(nameOf(far)) !== undefined)
  })
})
