/** Peer exchange between real libp2p nodes over TCP on loopback. */
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { PROTOCOLS } from '@skein/records'
import { expect } from 'chai'
import { createLibp2p } from 'libp2p'
import { signPeerRecord } from '../src/index.ts'
import { ExchangeStream } from '../src/libp2p/exchange-stream.ts'
import { peerExchange } from '../src/libp2p/index.ts'
import { eventually } from '../../core/test/eventually.ts'
import type { ExchangeMessage } from '../src/pb/exchange.ts'
import type { PeerExchangeService } from '../src/libp2p/index.ts'
import type { Identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'

type PexNode = Libp2p<{ identify: Identify, pex: PeerExchangeService }>

const nodes: PexNode[] = []

async function createNode (fillMs = 50): Promise<PexNode> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    connectionManager: { inboundConnectionThreshold: 1000, reconnectRetries: 0 },
    services: { identify: identify(), pex: peerExchange({ fillMs }) }
  })
  nodes.push(node)
  return node
}

const nameOf = (node: PexNode): string => node.peerId.toString()
const knows = (node: PexNode): string[] => [...node.services.pex.view.values()].map(({ record }) => record.peer)

/** Whom one finds from a node along views. */
function reached (from: PexNode, among: PexNode[]): number {
  const seen = new Set([nameOf(from)])
  for (const name of seen) {
    const node = among.find(other => nameOf(other) === name)
    for (const peer of node === undefined ? [] : knows(node)) {
      if (among.some(other => nameOf(other) === peer)) {
        seen.add(peer)
      }
    }
  }
  return seen.size
}

/** Asks as a program would that is not ours. */
async function ask (from: PexNode, to: PexNode, message: Partial<ExchangeMessage>): Promise<ExchangeMessage> {
  const connection = await from.dial(to.getMultiaddrs())
  const stream = await connection.newStream(PROTOCOLS.pex)
  const messages = new ExchangeStream(stream)
  const signal = AbortSignal.timeout(5000)
  await messages.write(message, { signal })
  return await messages.read({ signal })
}

describe('peer exchange between real nodes', function () {
  this.timeout(30_000)

  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(async node => { await node.stop() }))
  })

  it('makes five nodes that all dialled the first known to each other, so that a newcomer finds its way without the first', async () => {
    const first = await createNode()
    const others: PexNode[] = []
    for (let i = 0; i < 4; i++) {
      const node = await createNode()
      await node.dial(first.getMultiaddrs())
      others.push(node)
    }
    await eventually(() => others.every(node => reached(node, others) === 4))
    await first.stop()
    expect(others.map(node => reached(node, others))).to.deep.equal([4, 4, 4, 4])

    const guide = others[3] as PexNode
    const newcomer = await createNode()
    await newcomer.dial(guide.getMultiaddrs())
    await eventually(() => others.some(node => node !== guide && newcomer.getConnections(node.peerId).length > 0))
    const met = others.find(node => node !== guide && newcomer.getConnections(node.peerId).length > 0) as PexNode
    await eventually(() => knows(met).includes(nameOf(newcomer)))
    const { record } = met.services.pex.view.get(nameOf(newcomer)) ?? {}
    expect(record?.addresses.map(address => `${address}/p2p/${nameOf(newcomer)}`)).to.deep.equal(newcomer.getMultiaddrs().map(String))
    expect([...others, newcomer].map(node => Object.values(node.services.pex.counters.offences_total).reduce((a, b) => a + b))).to.deep.equal([0, 0, 0, 0, 0])
  })

  it('refuses a second question within a minute, and names what was wrong with a record that nobody signed', async () => {
    // both are quiet themselves
    const [node, stranger, liar] = [await createNode(60_000), await createNode(60_000), await createNode(60_000)]
    const offences: string[] = []
    node.services.pex.addEventListener('peer:offended', ({ detail }) => { offences.push(`${detail.peer} ${detail.reason}`) })
    const { envelope } = await signPeerRecord(
      { addresses: ['/ip4/127.0.0.1/tcp/9'], issuedAtMs: Date.now(), expiresAtMs: Date.now() + 60_000 }, await generateKeyPair('Ed25519'))
    const records = [Uint8Array.from(envelope)]

    const answers = [await ask(stranger, node, { records, wanted: 10 }), await ask(stranger, node, { records, wanted: 10 })]
    expect(answers.map(({ retryAfterMs }) => retryAfterMs > 0)).to.deep.equal([false, true])
    expect(node.services.pex.view.size).to.equal(1)

    const forged = Uint8Array.from(envelope)
    forged[forged.length - 1]! ^= 1
    expect(await ask(liar, node, { records: [forged], wanted: 10 }).then(() => 'answered', () => 'reset')).to.equal('reset')
    await eventually(() => offences.length === 2)
    expect(offences).to.deep.equal([`${nameOf(stranger)} too_soon`, `${nameOf(liar)} bad_record`])
  })

  it('resets a stream on which more comes than a message may have', async () => {
    const [node, liar] = [await createNode(60_000), await createNode(60_000)]
    const offences: string[] = []
    node.services.pex.addEventListener('peer:offended', ({ detail }) => { offences.push(detail.reason) })
    const large = { records: Array.from({ length: 40 }, () => new Uint8Array(500)) }
    expect(await ask(liar, node, large).then(() => 'answered', () => 'reset')).to.equal('reset')
    await eventually(() => offences.length === 1)
    expect(offences).to.deep.equal(['oversize'])
  })
})
