import { once } from 'node:events'
import { connect } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import { PROTOCOLS } from '@skein/records'
import { expect } from 'chai'
import { createPeer } from '../src/index.ts'
import type { Peer } from '../src/index.ts'

const UPGRADE = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n' +
  'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'
const HEADER = '\u0013/multistream/1.0.0\n'

describe('a peer that listens', function () {
  this.timeout(10_000)
  let peer: Peer
  const faults: Error[] = []

  before(async () => {
    peer = await createPeer({ listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'], inbound: { onFault: error => { faults.push(error) } } })
  })
  after(async () => { await peer.stop() })
  beforeEach(() => { faults.length = 0 })

  function addressOf (kind: 'tcp' | 'ws'): string {
    return peer.addresses.find(address => address.includes('/ws') === (kind === 'ws')) as string
  }

  /** Sends bytes as they are, after the head of a WebSocket where that is asked for, and waits for the end. */
  async function raw (kind: 'tcp' | 'ws', bytes: Buffer): Promise<void> {
    const socket = connect(Number(/tcp\/(\d+)/.exec(addressOf(kind))?.[1]), '127.0.0.1')
    socket.on('error', () => {})
    const closed = new Promise(resolve => socket.once('close', resolve))
    if (kind === 'ws') {
      socket.write(UPGRADE)
      await once(socket, 'data')
    }
    socket.resume()
    socket.write(bytes)
    await closed
  }

  const cases: Array<[name: string, kind: 'tcp' | 'ws', bytes: Buffer]> = [
    ['a length prefix that does not end', 'tcp', Buffer.alloc(1 << 20, 0xff)],
    ['one after a header', 'tcp', Buffer.concat([Buffer.from(HEADER), Buffer.alloc(1 << 20, 0xff)])],
    ['one after a protocol that it does not speak', 'tcp', Buffer.concat([Buffer.from(`${HEADER}\u0003/x\n`), Buffer.alloc(1 << 20, 0xff)])],
    ['a WebSocket frame of 1 GiB', 'ws', Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0])],
    ['a WebSocket frame that breaks the protocol', 'ws', Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['a WebSocket frame without a mask', 'ws', Buffer.from([0x82, 0x01, 0x00])],
    ['a length prefix that does not end, over WebSocket', 'ws', Buffer.concat([Buffer.from([0x82, 0xfe, 0x04, 0, 0, 0, 0, 0]), Buffer.alloc(1024, 0xff)])]
  ]
  for (const [name, kind, bytes] of cases) {
    it(`closes the connection of ${name}, at once, and takes others`, async () => {
      const startMs = performance.now()
      await raw(kind, bytes)
      expect(performance.now() - startMs).to.be.below(5_000)
      const other = await createPeer({ listen: [], bootstrap: [] })
      await other.libp2p.dial(multiaddr(addressOf(kind)))
      await other.stop()
    })
  }

  it('ends a connection whose frame is longer than any window, as soon as its header is there', async () => {
    const other = await createPeer({ listen: [], bootstrap: [] })
    const connection = await other.libp2p.dial(multiaddr(addressOf('tcp')))
    const { muxer } = connection as unknown as { muxer: { maConn: { send: (data: Uint8Array) => boolean } } }
    const closed = once(connection as unknown as EventTarget, 'close')
    muxer.maConn.send(Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 99, 0x40, 0, 0, 0))
    await closed
    expect(faults.map(({ name }) => name)).to.deep.equal(['OversizeFrameError'])
    await other.stop()
  })

  it('resets a stream whose message is longer than any, or has no length, and keeps the connection', async () => {
    const other = await createPeer({ listen: [], bootstrap: [] })
    const connection = await other.libp2p.dial(multiaddr(addressOf('tcp')))
    for (const bytes of [Uint8Array.of(0x80, 0x80, 0x10), new Uint8Array(100_000).fill(0xff)]) {
      const stream = await connection.newStream(PROTOCOLS.kad)
      const closed = once(stream as unknown as EventTarget, 'close')
      stream.send(bytes)
      await closed
      expect(stream.status).to.equal('reset')
    }
    expect(connection.status).to.equal('open')
    expect(faults.map(({ message }) => message)).to.have.length(2)
    await other.stop()
  })
})
