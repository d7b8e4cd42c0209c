/** A peer whose address tables, or whose exchange, were poisoned: what it dials of it, counted where libp2p asks whether it may. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { lpStream } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { ManualClock } from '@skein/core'
import { AddressTables, DIAL_MINUTE_MS, DIAL_WINDOW_MS, signPeerRecord, smallNetworkOf } from '@skein/pex'
import { PROTOCOLS } from '@skein/records'
import { expect } from 'chai'
import { createLibp2p } from 'libp2p'
import { ExchangeMessage } from '../../pex/src/pb/exchange.ts'
import { createPeer } from '../src/index.ts'
import { openLevelAddressTables } from '../src/node/level-address-tables.ts'
import type { Libp2p } from '@libp2p/interface'
import type { Peer, PeerInit } from '../src/index.ts'

/** What is counted happens some ticks of the clock after the rule looked. */
const LATE_MS = 15_000
const listen = ['/ip4/127.0.0.1/tcp/0']
const RECORDS = 1_000
/** For documentation and for benchmarks (RFC 5737, RFC 2544): nobody is there, and nothing is sent there. */
const NETWORKS = ['192.0.2', '198.51.100', '203.0.113', '198.18.7', '198.19.200']
const publicAddress = (i: number): string => `/ip4/${NETWORKS[i % NETWORKS.length]}.${1 + Math.floor(i / NETWORKS.length) % 254}/tcp/4001`

describe('a poisoned peer', function () {
  this.timeout(120_000)
  const clock = new ManualClock(Date.now())
  const stops: Array<() => Promise<void>> = []
  let attempts: Array<{ address: string, atMs: number }> = []
  let ticking: NodeJS.Timeout
  let tickMs: number

  beforeEach(() => {
    attempts = []
    tickMs = 50
    ticking = setInterval(() => { clock.advance(tickMs) }, 3)
  })
  afterEach(async () => {
    await Promise.all(stops.splice(0).map(async stop => { await stop() }))
    clearInterval(ticking)
  })

  async function start (init: PeerInit = {}): Promise<Peer> {
    const peer = await createPeer({ listen, ...init })
    stops.push(async () => { await peer.stop() })
    return peer
  }

  /** One that counts what it is about to dial, and dials nothing that is not on this machine. */
  async function startVictim (init: PeerInit): Promise<Peer> {
    return await start({
      ...init,
      clock,
      connectionGater: {
        denyDialMultiaddr: address => {
          attempts.push({ address: address.toString(), atMs: clock.nowMs() })
          return !address.toString().startsWith('/ip4/127.0.0.1/')
        }
      }
    })
  }

  /** Ten minutes pass in some seconds: once nothing is under way that takes its time on sockets. */
  async function pass (minutes: number): Promise<void> {
    tickMs = 1_000
    const endMs = clock.nowMs() + 60_000 * minutes
    while (clock.nowMs() < endMs) {
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    tickMs = 50
  }

  async function strangers (count: number): Promise<Array<{ peer: string, addresses: string[], envelope: Uint8Array }>> {
    return await Promise.all(Array.from({ length: count }, async (_, i) => {
      const privateKey = await generateKeyPair('Ed25519')
      const issuedAtMs = clock.nowMs()
      return await signPeerRecord({ addresses: [publicAddress(i)], issuedAtMs, expiresAtMs: issuedAtMs + 7_200_000 }, privateKey)
    }))
  }

  /** Public addresses that were dialled, which must be no more than the rules allow. */
  function poisonedDials (): number {
    const dialled = attempts.flatMap(({ address, atMs }) => {
      const network = smallNetworkOf(address)
      return network === undefined ? [] : [{ network, atMs }]
    })
    for (const { network, atMs } of dialled) {
      const inMinute = dialled.filter(other => other.network === network && other.atMs >= atMs && other.atMs < atMs + DIAL_MINUTE_MS - LATE_MS)
      expect(inMinute.length, `into ${network}`).to.be.at.most(2)
    }
    const inWindow = (list: Array<{ atMs: number }>, fromMs: number): number =>
      list.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + DIAL_WINDOW_MS - LATE_MS).length
    for (const { atMs } of dialled) {
      expect(inWindow(dialled, atMs), 'caused by one source').to.be.at.most(Math.max(2, 0.1 * inWindow(attempts, atMs)))
    }
    return dialled.length
  }

  it('dials no more of 1,000 records in its tables than one source may cause, and is connected to honest peers', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'skein-poisoned-'))
    try {
      const honest = await Promise.all([start(), start(), start()])
      const key = new Uint8Array(16).fill(7)
      const tables = new AddressTables({ key })
      for (const peer of honest) {
        tables.onConnected(peer.id, (peer.addresses[0] as string).replace(/\/p2p\/.*/, ''), clock.nowMs())
      }
      for (const { peer, addresses } of await strangers(RECORDS)) {
        tables.add(peer, addresses, { peer: 'liar', address: '/ip4/203.0.113.66/tcp/1' })
      }
      expect(tables.count(false)).to.be.within(100, 256)
      const store = await openLevelAddressTables({ path: join(dataDir, 'address-book') })
      await store.save({ key, ...tables.takeChanges() })
      await store.close()

      const victim = await startVictim({ dataDir })
      while (victim.libp2p.getPeers().length < honest.length) {
        await new Promise(resolve => setTimeout(resolve, 20))
      }
      await pass(25)
      expect(victim.libp2p.getPeers().map(String)).to.have.members(honest.map(({ id }) => id))
      expect(poisonedDials()).to.be.within(2, 8)
      await victim.stop()
    } finally {
      await rm(dataDir, { recursive: true })
    }
  })

  it('dials no more of 1,000 third-party records told by one peer, and none of 1,000 forged ones', async () => {
    const victim = await startVictim({ pex: { fillMs: 500, roundMs: 5_000 } })
    const [liar, forger] = [await startStranger(), await startStranger()]
    const told = await strangers(RECORDS)
    const unheard = await strangers(50)
    const forged = unheard.map(({ envelope }) => Uint8Array.from(envelope, (byte, at) => at === envelope.length - 1 ? byte ^ 1 : byte))
    for (let i = 0; i < RECORDS; i += 50) {
      await tell(liar, victim, told.slice(i, i + 50).map(({ envelope }) => envelope))
      await tell(forger, victim, forged)
      await pass(1.1)
    }
    const offences = victim.libp2p.services.pex?.counters.offences_total
    expect(offences).to.deep.include({ bad_record: RECORDS / 50, too_soon: 0 })
    expect(unheard.filter(({ peer }) => attempts.some(({ address }) => address.includes(peer)) || victim.outbound?.tables.get(peer))).to.deep.equal([])
    expect(victim.outbound?.tables.count(false)).to.be.within(20, 256)
    expect(poisonedDials()).to.be.within(2, 8)
  })

  /** Not ours: it has libp2p and tells what it likes. */
  async function startStranger (): Promise<Libp2p> {
    const node = await createLibp2p({
      addresses: { listen },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionMonitor: { enabled: false },
      services: { identify: identify() }
    })
    stops.push(async () => { await node.stop() })
    return node
  }

  async function tell (from: Libp2p, to: Peer, envelopes: Uint8Array[]): Promise<void> {
    const connection = await from.dial(multiaddr(to.addresses[0] as string))
    const stream = await connection.newStream(PROTOCOLS.pex)
    const messages = lpStream(stream)
    await messages.write(ExchangeMessage.encode({ records: envelopes.map(envelope => Uint8Array.from(envelope)), wanted: 0 }))
    await messages.read({ signal: AbortSignal.timeout(5_000) }).catch(() => {}) // a forger is reset
    await stream.close().catch(() => {})
  }
})
