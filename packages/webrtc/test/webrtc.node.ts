/** Two nodes under Node that are connected over TCP make a connection over WebRTC besides. */
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { expect } from 'chai'
import { createLibp2p } from 'libp2p'
import { webRtc, WebRtcError } from '../src/index.ts'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import type { WebRtcService } from '../src/index.ts'

type Node = Libp2p<{ webrtc: WebRtcService }>

const ECHO = '/test/echo/1.0.0'

async function until (check: () => boolean): Promise<void> {
  while (!check()) {
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

describe('WebRTC between two nodes', function () {
  this.timeout(30_000)
  let nodes: Node[] = []

  async function start (): Promise<Node> {
    const node = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: { identify: identify(), webrtc: webRtc()() }
    }) as unknown as Node
    nodes.push(node)
    return node
  }

  afterEach(async () => {
    await Promise.all(nodes.map(async node => { await node.stop() }))
    nodes = []
  })

  async function pair (): Promise<{ a: Node, b: Node, over: Connection }> {
    const [a, b] = [await start(), await start()]
    await b.handle(ECHO, async stream => {
      for await (const chunk of stream) {
        if (!stream.send(chunk.subarray())) {
          await stream.onDrain()
        }
      }
      await stream.close()
    })
    return { a, b, over: await a.dial(b.getMultiaddrs()) }
  }

  async function echoed (stream: Stream, bytes: Uint8Array): Promise<Uint8Array> {
    const sending = (async () => {
      for (let at = 0; at < bytes.length; at += 65_536) {
        if (!stream.send(bytes.subarray(at, at + 65_536))) {
          await stream.onDrain()
        }
      }
      await stream.close()
    })()
    const parts: Uint8Array[] = []
    for await (const part of stream) {
      parts.push(part.subarray())
    }
    await sending
    return Buffer.concat(parts)
  }

  it('carries streams with the peer that the signals went to', async () => {
    const { a, b, over } = await pair()
    const made = await a.services.webrtc.connect(over, new AbortController().signal)
    expect(made.remotePeer.equals(b.peerId)).to.equal(true)
    expect(made.remoteAddr.toString()).to.match(/\/webrtc\/p2p\//)
    expect(made.limits).to.equal(undefined)

    const bytes = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 2_654_435_761) >>> 24)
    const back = await echoed(await made.newStream(ECHO), bytes)
    expect(Buffer.compare(back, bytes)).to.equal(0)
    expect(b.services.webrtc.counters).to.deep.include({ offers_received_total: 1, connected_total: 1, refused_total: 0 })
  })

  it('ends on both sides when one closes', async () => {
    const { a, b, over } = await pair()
    const made = await a.services.webrtc.connect(over, new AbortController().signal)
    await until(() => b.getConnections(a.peerId).length === 2)
    await made.close()
    await until(() => b.getConnections(a.peerId).length === 1 && a.getConnections(b.peerId).length === 1)
  })

  it('refuses a peer that asks too often', async () => {
    const { a, b, over } = await pair()
    const attempts = await Promise.allSettled(Array.from({ length: 6 }, async () => {
      const made = await a.services.webrtc.connect(over, new AbortController().signal)
      await made.close()
    }))
    expect(attempts.filter(({ status }) => status === 'rejected')).to.have.length.of.at.least(2)
    await until(() => b.services.webrtc.counters.offers_received_total - b.services.webrtc.counters.refused_total <= 4)
  })

  it('ends an attempt when the other side says what nobody says', async () => {
    const { a, b, over } = await pair()
    await b.unhandle('/skein/webrtc/1.0.0')
    await b.handle('/skein/webrtc/1.0.0', stream => { stream.send(Uint8Array.of(4, 0x0a, 2, 0x68, 0x69)) })
    const failure = await a.services.webrtc.connect(over, new AbortController().signal).then(() => undefined, (error: Error) => error)
    expect(failure).to.be.instanceOf(WebRtcError)
  })
})
