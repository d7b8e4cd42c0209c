/** The libp2p transport between two nodes, alone and over several links. */
import { noise } from '@libp2p/noise'
import { identify } from '@libp2p/identify'
import { yamux } from '@libp2p/yamux'
import { expect } from 'chai'
import { createLibp2p } from 'libp2p'
import { multiaddr } from '@multiformats/multiaddr'
import { bondedAddress } from '../../src/libp2p/bonded-address.ts'
import { srtla } from '../../src/libp2p/index.ts'
import { ReceiverService, SenderService } from '../../src/node/index.ts'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { SrtlaTransportInit } from '../../src/libp2p/index.ts'

const ECHO = '/test/echo/1.0.0'

async function node (listen: string[], init?: SrtlaTransportInit): Promise<Libp2p> {
  const made = await createLibp2p({
    addresses: { listen },
    transports: [srtla(init)],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: { identify: identify() }
  })
  await made.handle(ECHO, async stream => {
    for await (const data of stream) {
      if (!stream.send(data)) {
        await stream.onDrain()
      }
    }
    await stream.close()
  })
  return made
}

async function echoed (connection: Connection, bytes: number): Promise<number> {
  const stream: Stream = await connection.newStream(ECHO)
  const send = async (): Promise<void> => {
    for (let sent = 0; sent < bytes; sent += 65_536) {
      if (!stream.send(new Uint8Array(Math.min(65_536, bytes - sent)).fill(sent / 65_536 % 256))) {
        await stream.onDrain()
      }
    }
    await stream.close()
  }
  const sending = send()
  let received = 0
  for await (const data of stream) {
    for (const byte of data.subarray()) {
      if (byte !== Math.floor(received++ / 65_536) % 256) {
        throw new Error(`The byte at ${received - 1} is another one`)
      }
    }
  }
  await sending
  return received
}

describe('libp2p over SRTLA', function () {
  this.timeout(30_000)
  const nodes: Libp2p[] = []

  afterEach(async () => { await Promise.all(nodes.splice(0).map(async made => { await made.stop() })) })

  async function pair (init?: SrtlaTransportInit, listen = '/ip4/127.0.0.1/udp/0/srtla'): Promise<{ dialer: Libp2p, listener: Libp2p, connection: Connection }> {
    const listener = await node([listen])
    const dialer = await node([], init)
    nodes.push(listener, dialer)
    return { listener, dialer, connection: await dialer.dial(listener.getMultiaddrs()) }
  }

  it('carries streams over one link', async () => {
    const { listener, connection } = await pair()
    expect(listener.getMultiaddrs()[0]?.toString()).to.match(/^\/ip4\/127\.0\.0\.1\/udp\/\d+\/srtla\/p2p\//)
    expect(await echoed(connection, 3_000_000)).to.equal(3_000_000)
    expect(listener.getConnections()[0]?.remoteAddr.toString()).to.match(/^\/ip4\/127\.0\.0\.1\/udp\/\d+\/srtla/)
  })

  it('carries streams over three links', async () => {
    const { connection } = await pair({ links: ['127.0.0.2', '127.0.0.3', '127.0.0.4'] })
    expect(await echoed(connection, 3_000_000)).to.equal(3_000_000)
  })

  it('goes through an SRTLA sender and receiver between the two ends', async () => {
    const listener = await node(['/ip4/127.0.0.1/udp/0/srtla'])
    const [target] = listener.getMultiaddrs()
    const receiver = await ReceiverService.start({ port: 0, hosts: ['127.0.0.1'], srt: { host: '127.0.0.1', port: bondedAddress(target as Multiaddr)?.port ?? 0 } })
    const sender = await SenderService.start({
      port: 0, host: '127.0.0.1', receiver: { host: '127.0.0.1', port: receiver.port }, links: ['127.0.0.2', '127.0.0.3']
    })
    const dialer = await node([])
    nodes.push(listener, dialer)
    try {
      const connection = await dialer.dial(multiaddr(`/ip4/127.0.0.1/udp/${sender.port}/srtla/p2p/${listener.peerId.toString()}`))
      expect(await echoed(connection, 1_000_000)).to.equal(1_000_000)
      const [group] = receiver.stats().groups
      expect(group?.connections.map(({ pkts }) => pkts > 0)).to.deep.equal([true, true])
    } finally {
      await sender.stop()
      await receiver.stop()
    }
  })

  it('speaks IPv6', async () => {
    const { connection } = await pair(undefined, '/ip6/::1/udp/0/srtla')
    expect(await echoed(connection, 100_000)).to.equal(100_000)
  })

  it('ends on both sides when one closes', async () => {
    const { listener, connection } = await pair()
    const closed = new Promise(resolve => { listener.addEventListener('connection:close', resolve) })
    await connection.close()
    await closed
    expect(listener.getConnections()).to.have.length(0)
  })

  it('fails where nobody listens, and when it is told to stop', async () => {
    const dialer = await node([])
    nodes.push(dialer)
    const target = '/ip4/127.0.0.1/udp/9/srtla/p2p/12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB'
    const error = await dialer.dial(multiaddr(target), { signal: AbortSignal.timeout(500) }).catch((error: Error) => error)
    expect(error).to.be.instanceOf(Error)
  })
})
