/** Connections over which nothing comes, and which only stood still for a while: two real nodes with a wire between them that can be stopped. */
import { connect, createServer } from 'node:net'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'chai'
import { createLibp2p } from 'libp2p'
import { reachability } from '../src/libp2p/index.ts'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import type { Silence } from '../src/index.ts'
import type { ReachabilityService } from '../src/libp2p/index.ts'

const TICKS = '/test/ticks/1.0.0'
type Node = Libp2p<{ reachability: ReachabilityService }>

/** Carries bytes to a port until it is stopped; what comes meanwhile waits. */
class Wire {
  private readonly sockets = new Set<Socket>()
  private readonly server: Server

  constructor (port: number) {
    this.server = createServer(near => {
      const far = connect(port, '127.0.0.1')
      near.pipe(far).pipe(near)
      for (const socket of [near, far]) {
        this.sockets.add(socket)
        socket.on('error', () => {})
        socket.on('close', () => { [near, far].forEach(one => { one.destroy() }) })
      }
    })
  }

  async listen (): Promise<number> {
    await new Promise<void>(resolve => { this.server.listen(0, '127.0.0.1', resolve) })
    return (this.server.address() as AddressInfo).port
  }

  stop (): void {
    this.sockets.forEach(socket => { socket.pause() })
  }

  resume (): void {
    this.sockets.forEach(socket => { socket.resume() })
  }

  close (): void {
    this.sockets.forEach(socket => { socket.destroy() })
    this.server.close()
  }
}

async function node (): Promise<Node> {
  const made = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: { identify: identify(), reachability: reachability() }
  })
  return made as unknown as Node
}

async function pause (ms: number): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, ms))
}

async function until (is: () => boolean): Promise<void> {
  while (!is()) {
    await pause(20)
  }
}

describe('a connection that something depends on', function () {
  this.timeout(60_000)
  let near: Node
  let far: Node
  let wire: Wire
  let connection: Connection
  const told: Silence[] = []

  beforeEach(async () => {
    told.length = 0
    near = await node()
    far = await node()
    await far.handle(TICKS, (stream: Stream) => {
      const timer = setInterval(() => { stream.send(new Uint8Array([1])) }, 50)
      stream.addEventListener('close', () => { clearInterval(timer) })
    })
    wire = new Wire(Number(String(far.getMultiaddrs()[0]).split('/')[4]))
    connection = await near.dial(multiaddr(`/ip4/127.0.0.1/tcp/${await wire.listen()}/p2p/${far.peerId.toString()}`))
  })

  afterEach(async () => {
    wire.close()
    await Promise.all([near.stop(), far.stop()])
  })

  it('which only stood still is let be: the stream goes on, and it is used again', async () => {
    const stream = await connection.newStream(TICKS)
    let ticks = 0
    stream.addEventListener('message', ({ data }) => { ticks += data.byteLength })
    await until(() => ticks > 3)
    const release = near.services.reachability.use(connection, silence => { told.push(silence) })
    const stoppedMs = Date.now()
    wire.stop()
    await until(() => told.includes('silent'))
    console.log(`      found silent after ${Date.now() - stoppedMs} ms`)
    expect(near.services.reachability.connectionTo(far.peerId.toString())).to.equal(undefined)
    await until(() => told.includes('lost'))
    const before = ticks
    wire.resume()
    await until(() => ticks > before + 20)
    expect(stream.status).to.equal('open')
    expect(connection.status).to.equal('open')
    expect(told).to.deep.equal(['silent', 'lost'])
    expect(near.services.reachability.connectionTo(far.peerId.toString())?.id).to.equal(connection.id)
    release()
    stream.abort(new Error('The test is over'))
  })

  it('gives way to another one to the same peer when nothing goes over it, and nobody is asked who is not needed', async () => {
    const stopped = Date.now()
    wire.stop()
    await pause(3_000)
    expect(near.services.reachability.isSilent(connection)).to.equal(false)
    const release = near.services.reachability.use(connection, silence => { told.push(silence) })
    await until(() => told.includes('silent'))
    console.log(`      asked when it was needed, and found silent ${Date.now() - stopped - 3_000} ms after`)
    const other = await near.dial(far.getMultiaddrs(), { force: true })
    await until(() => connection.status !== 'open')
    expect(near.services.reachability.connectionTo(far.peerId.toString())?.id).to.equal(other.id)
    release()
  })
})
