/** What attackers do. Each says when it is in full swing, and returns what it counted. */
import { connect } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import { PROTOCOLS } from '@skein/records'
import { peerFrom } from './honest-peer.ts'
import { malformed, malformedFew } from './malformed-attack.ts'
import type { Socket } from 'node:net'
import type { Connection, Stream } from '@libp2p/interface'
import type { Peer } from '@skein/peer'
import type { AttackReport, AttackTarget } from './attacker-process.ts'

type Attack = (target: AttackTarget, rage: () => void) => Promise<AttackReport>

export const ATTACKS: Record<string, Attack | undefined> = {
  flood, slowloris, streamSpam, streamHoard, oversize, endlessPrefixes, malformed, malformedFew
}

const MULTISTREAM = '\u0013/multistream/1.0.0\n'
const WS_HEAD = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n' +
  'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'

interface Outcome {
  /** From the connection to its end */
  lifeMs: number
  received: string
}

/** One raw connection, told of when it has ended. */
function raw (port: number, localAddress: string, onConnect: (socket: Socket) => void): Promise<Outcome> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true })
    let startMs = performance.now()
    let received = ''
    socket.on('connect', () => {
      startMs = performance.now()
      onConnect(socket)
    })
    socket.on('data', data => { received = (received + data.toString('latin1')).slice(0, 200) })
    socket.on('error', () => {})
    socket.on('close', () => { resolve({ lifeMs: performance.now() - startMs, received }) })
  })
}

/** 10,000 dials from one /24, as fast as they are refused; half say something, and those that are taken hold on to it. */
async function flood ({ tcpPort }: AttackTarget, rage: () => void): Promise<AttackReport> {
  const held = new Set<Socket>()
  let next = 0
  let closed = 0
  const dial = async (): Promise<void> => {
    while (next < 10_000) {
      const i = next++
      const ended = raw(tcpPort, `127.0.1.${(i % 250) + 1}`, socket => {
        held.add(socket)
        socket.on('close', () => held.delete(socket))
        if (i % 2 === 0) {
          socket.write(MULTISTREAM)
        }
      }).then(() => { closed++ })
      await Promise.race([ended, new Promise(resolve => setTimeout(resolve, 500))])
      if (next === 500) {
        rage()
      }
    }
  }
  await Promise.all(Array.from({ length: 200 }, dial))
  const stillOpen = held.size
  held.forEach(socket => { socket.destroy() })
  return { dials: next, closed, stillOpen }
}

/** 2,000 sockets, half of them silent and half with a byte a second, over the ports of a seed; from many networks, so that limits do not end them. */
async function slowloris ({ tcpPort, wsPort, httpPort }: AttackTarget, rage: () => void): Promise<AttackReport> {
  const outcomes: Promise<Outcome>[] = []
  const ports: Array<[port: number, count: number, text: string]> = [
    [tcpPort, 500, MULTISTREAM], [wsPort, 500, WS_HEAD], [httpPort, 1_000, `GET /health HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(1_000)}`]
  ]
  let connected = 0
  for (const [port, count, text] of ports) {
    for (let i = 0; i < count; i++) {
      const localAddress = `127.${(port % 200) + 20}.${Math.floor(i / 50) + 1}.${(i % 10) + 1}`
      outcomes.push(raw(port, localAddress, socket => {
        connected++
        if (i % 2 === 0) {
          let at = 0
          const timer = setInterval(() => { socket.write(text[at++] as string) }, 1_000)
          socket.on('close', () => { clearInterval(timer) })
        }
      }))
    }
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  rage()
  const ended = await Promise.all(outcomes)
  return {
    connected,
    closed: ended.length,
    longestMs: Math.max(...ended.map(({ lifeMs }) => lifeMs)),
    heldOpen: ended.filter(({ lifeMs }) => lifeMs > 9_000).length
  }
}

async function dialFrom (localAddress: string, address: string): Promise<{ peer: Peer, connection: Connection }> {
  const peer = await peerFrom(localAddress)
  return { peer, connection: await peer.libp2p.dial(multiaddr(address)) }
}

/** Opens streams and resets them, one connection after the other, for 3 s. */
async function streamSpam ({ address }: AttackTarget, rage: () => void): Promise<AttackReport> {
  const untilMs = performance.now() + 3_000
  let opened = 0
  let connections = 0
  let ended = 0
  for (let host = 1; performance.now() < untilMs; host++) {
    const { peer, connection } = await dialFrom(`127.0.1.${host}`, address)
    connections++
    while (connection.status === 'open' && performance.now() < untilMs) {
      opened++
      const opening = connection.newStream(PROTOCOLS.seed, { signal: AbortSignal.timeout(1_000) })
      opening.then(stream => { stream.abort(new Error('spam')) }, () => {})
      if (opened % 20 === 0) {
        await new Promise(resolve => setImmediate(resolve))
        rage()
      }
    }
    ended += connection.status === 'open' ? 0 : 1
    await peer.stop()
  }
  return { opened, connections, ended }
}

/** Opens 1,008 streams within the limits and says nothing on any of them, on 16 connections, for 12 s. */
async function streamHoard ({ address }: AttackTarget, rage: () => void): Promise<AttackReport> {
  const hoards = await Promise.all(Array.from({ length: 16 }, async (_, i) => {
    const { peer, connection } = await dialFrom(`127.0.2.${(i % 4) + 1}`, address)
    const held: Stream[] = []
    for (let n = 0; n < 63; n++) {
      // for each protocol has a limit of its own
      const protocol = n < 40 ? PROTOCOLS.inference : n < 56 ? PROTOCOLS.kad : PROTOCOLS.seed
      held.push(await connection.newStream(protocol, { signal: AbortSignal.timeout(5_000), maxOutboundStreams: 1_000 }))
    }
    return { peer, held }
  }))
  const count = (): number => hoards.flatMap(({ held }) => held).filter(({ status }) => status === 'open').length
  const most = count()
  rage()
  await new Promise(resolve => setTimeout(resolve, 12_000))
  const left = count()
  await Promise.all(hoards.map(async ({ peer }) => { await peer.stop() }))
  return { opens: 16 * 63, most, left }
}

/** Names lengths that no message may have, and sends as much as is taken. */
async function oversize ({ address, wsPort, httpPort }: AttackTarget, rage: () => void): Promise<AttackReport> {
  const GIB = Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x04)
  const hundredMiB = (socket: Socket): void => {
    const chunk = Buffer.alloc(1 << 20)
    let sent = 0
    const more = (): void => {
      while (sent < 100 && socket.writable) {
        sent++
        if (!socket.write(chunk)) {
          socket.once('drain', more)
          return
        }
      }
    }
    more()
  }
  const wsFrame = (socket: Socket): void => {
    socket.once('data', () => {
      // one frame of 1 GiB, masked with zeros
      socket.write(Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0]))
      hundredMiB(socket)
    })
  }
  const post = `POST /health HTTP/1.1\r\nhost: a\r\ncontent-length: ${1 << 30}\r\n\r\n`

  rage()
  const sockets = await Promise.all([
    ...Array.from({ length: 8 }, async (_, i) => await raw(wsPort, `127.0.3.${i + 1}`, socket => { socket.write(WS_HEAD); wsFrame(socket) })),
    ...Array.from({ length: 8 }, async (_, i) => await raw(httpPort, `127.0.3.${i + 1}`, socket => {
      socket.write(WS_HEAD.replace('GET /', 'GET /ws?node=1'))
      wsFrame(socket)
    })),
    ...Array.from({ length: 8 }, async (_, i) => await raw(httpPort, `127.0.3.${i + 1}`, socket => { socket.write(post); hundredMiB(socket) })),
    ...Array.from({ length: 8 }, async (_, i) => await raw(httpPort, `127.0.3.${i + 1}`, socket => {
      socket.write('GET /health HTTP/1.1\r\nx: ')
      hundredMiB(socket)
    }))
  ])

  let resets = 0
  for (const [i, protocol] of [PROTOCOLS.seed, PROTOCOLS.kad, '/ipfs/id/push/1.0.0', PROTOCOLS.routing, PROTOCOLS.inference].entries()) {
    const { peer, connection } = await dialFrom(`127.0.3.${i + 20}`, address)
    const stream = await connection.newStream(protocol)
    stream.send(GIB)
    for (let sent = 0; sent < 64 && stream.status === 'open'; sent++) {
      stream.send(new Uint8Array(64 * 1024))
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    // reset, or told that it is wrong
    resets += stream.status !== 'open' || stream.remoteWriteStatus === 'closed' ? 1 : 0
    await peer.stop()
  }
  // a frame of yamux whose header names 1 GiB, below all streams
  const { peer, connection } = await dialFrom('127.0.3.40', address)
  const muxer = (connection as unknown as { muxer: { maConn: { send: (data: Uint8Array) => boolean } } }).muxer
  muxer.maConn.send(Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 99, 0x40, 0, 0, 0))
  for (let sent = 0; sent < 64 && connection.status === 'open'; sent++) {
    muxer.maConn.send(new Uint8Array(64 * 1024))
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  resets += connection.status === 'open' ? 0 : 1
  await peer.stop()
  return { sockets: sockets.length, resets }
}

/** Length prefixes that do not end, where nobody has been authenticated and where somebody has, for 3 s. */
async function endlessPrefixes ({ address, tcpPort }: AttackTarget, rage: () => void): Promise<AttackReport> {
  const untilMs = performance.now() + 3_000
  const chunk = Buffer.alloc(1 << 16, 0xff)
  let sockets = 0
  let streams = 0
  rage()
  await Promise.all([
    ...Array.from({ length: 4 }, async (_, i) => {
      while (performance.now() < untilMs) {
        await raw(tcpPort, `127.0.4.${i + 1}`, socket => {
          socket.write(i % 2 === 0 ? chunk : Buffer.concat([Buffer.from(MULTISTREAM), chunk]))
          setTimeout(() => { socket.destroy() }, 2_000)
        })
        sockets++
      }
    }),
    (async () => {
      const { peer, connection } = await dialFrom('127.0.5.1', address)
      while (performance.now() < untilMs && connection.status === 'open') {
        const stream = await connection.newStream(PROTOCOLS.kad, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined)
        if (stream?.status === 'open') {
          stream.send(new Uint8Array(1 << 18).fill(0xff))
          streams++
        }
        await new Promise(resolve => setTimeout(resolve, 50))
      }
      await peer.stop()
    })()
  ])
  return { sockets, streams }
}
