/**
 * Nodes of this machine that know of each other through a relay alone. Punches are tested in the laboratory of NATs of `@skein/testnet`: here a SYN
 * that comes too early is answered with a reset at once.
 */
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { expect } from 'chai'
import { createLibp2p } from 'libp2p'
import { PROTOCOLS } from '@skein/records'
import { multiaddr } from '@multiformats/multiaddr'
import { reachability } from '../src/libp2p/index.ts'
import { TcpPuncher } from '../src/node/index.ts'
import type { Connection, Libp2p } from '@libp2p/interface'
import type { ReachabilityInit, ReachabilityService } from '../src/libp2p/index.ts'
import type { Reach } from '../src/index.ts'

const ECHO = '/test/echo/1.0.0'
const BEHIND_NAT: Pick<Reach, 'dialable' | 'nat'> = { dialable: false, nat: { mapping: 'endpoint-independent', filtering: 'port' } }
const OVER_CIRCUIT = { runOnLimitedConnection: true } as const

type Node = Libp2p<{ identify: unknown, reachability: ReachabilityService }>

async function relayNode (): Promise<Libp2p> {
  return await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: { identify: identify(), relay: circuitRelayServer({ reservations: { applyDefaultLimit: false } }) }
  })
}

async function node (listen: string[], init: ReachabilityInit): Promise<Node> {
  const made = await createLibp2p({
    addresses: { listen },
    transports: [tcp(), circuitRelayTransport()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: { identify: identify(), reachability: reachability(init) }
  }) as unknown as Node
  await made.handle(ECHO, stream => {
    stream.addEventListener('message', ({ data }) => { stream.send(data) })
    stream.addEventListener('remoteCloseWrite', () => { void stream.close() })
  }, OVER_CIRCUIT)
  return made
}

async function until (holds: () => boolean): Promise<void> {
  while (!holds()) {
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

function isCircuit (address: { toString: () => string }): boolean {
  return address.toString().includes('/p2p-circuit')
}

describe('a path through a relay', function () {
  this.timeout(30_000)
  let nodes: Libp2p[] = []

  /** A dialler and a listener that are connected through a relay, and the circuit. */
  async function pair (
    dialler: ReachabilityInit, listener: ReachabilityInit, listen: string[] = [], listenerAt: string[] = []
  ): Promise<{ a: Node, b: Node, circuit: Connection }> {
    const relay = await relayNode()
    const [address] = relay.getMultiaddrs()
    const b = await node([`${address?.toString()}/p2p-circuit`, ...listenerAt], listener)
    const a = await node(listen, dialler)
    nodes = [a, b, relay]
    await until(() => b.getMultiaddrs().some(isCircuit))
    await a.dial(multiaddr(address?.toString()))
    const circuit = await a.dial(b.getMultiaddrs().filter(isCircuit))
    return { a, b, circuit }
  }

  afterEach(async () => { await Promise.all(nodes.splice(0).map(async each => { await each.stop() })) })

  it('gives way to a dial by the other side, where that one can be dialled', async () => {
    const { a, b, circuit } = await pair({ standing: () => ({ dialable: true }) }, { standing: () => BEHIND_NAT }, ['/ip4/127.0.0.1/tcp/0'])
    await until(() => circuit.status === 'closed')
    await until(() => a.services.reachability.counters.worked_reverse_total === 1)
    expect(a.services.reachability.pathTo(b.peerId.toString())?.path).to.equal('direct')
  })

  it('gives way to a dial of the other side when that one can be dialled later on, as behind a router that has opened a port', async () => {
    let isOpen = false
    const { a, b, circuit } = await pair({ standing: () => BEHIND_NAT }, { standing: () => ({ ...BEHIND_NAT, dialable: isOpen }) }, [], ['/ip4/127.0.0.1/tcp/0'])
    const id = b.peerId.toString()
    await until(() => a.services.reachability.pathTo(id)?.path === 'relayed')
    await new Promise(resolve => setTimeout(resolve, 300))
    expect(a.services.reachability.counters.tried_dial_total).to.equal(0)
    isOpen = true
    // as its identify tells
    await a.peerStore.merge(b.peerId, { multiaddrs: [multiaddr('/ip4/127.0.0.2/tcp/1'), ...b.getMultiaddrs().filter(address => !isCircuit(address))] })
    await until(() => a.services.reachability.pathTo(id)?.path === 'direct')
    await until(() => circuit.status === 'closed')
    expect(a.services.reachability.counters.worked_dial_total).to.equal(1)
  })

  it('stays when the other side may not dial what this one names', async () => {
    const { a, b } = await pair({ standing: () => ({ dialable: true }) }, { standing: () => BEHIND_NAT, mayDial: () => false }, ['/ip4/127.0.0.1/tcp/0'])
    await until(() => a.services.reachability.pathTo(b.peerId.toString())?.failed.length === 1)
    expect(a.services.reachability.pathTo(b.peerId.toString())).to.include({ path: 'relayed' })
    expect(a.services.reachability.counters.worked_reverse_total).to.equal(0)
  })

  it('stays where a punch could not work, and nothing is tried', async () => {
    const symmetric = (): typeof BEHIND_NAT => ({ dialable: false, nat: { mapping: 'random' } })
    const puncher: ReachabilityInit['puncher'] = components => new TcpPuncher(components)
    const { a, b } = await pair({ puncher, standing: symmetric }, { puncher, standing: symmetric })
    await new Promise(resolve => setTimeout(resolve, 300))
    expect(a.services.reachability.pathTo(b.peerId.toString())?.path).to.equal('relayed')
    expect(Object.values(a.services.reachability.counters).reduce((sum, count) => sum + count, 0)).to.equal(0)
  })

  it('answers what is no message, and who asks too often, with a reset', async () => {
    const { a, b, circuit } = await pair({ standing: () => BEHIND_NAT }, { standing: () => BEHIND_NAT })
    for (let i = 0; i < 20; i++) {
      const stream = await circuit.newStream(PROTOCOLS.punch, OVER_CIRCUIT)
      if (stream.status === 'open') {
        stream.send(Uint8Array.from([4, 0xff, 0xff, 0xff, 0xff]))
      }
      await until(() => stream.status !== 'open')
    }
    expect(b.services.reachability.counters.refused_total).to.be.at.least(5)
    expect(a.services.reachability.pathTo(b.peerId.toString())?.path).to.equal('relayed')
  })
})
