import { tcp } from '@libp2p/tcp'
import { expect } from 'chai'
import { createSeed } from '../../src/index.ts'
import { AdmittedWorld, until } from './admitted-world.ts'
import type { TCPSocketOptions } from '@libp2p/tcp'
import type { VerifiedNetwork } from '@skein/records'
import type { Seed, SeedInit } from '../../src/index.ts'
import type { Visitor } from './admitted-world.ts'

/** On this machine 127.A.B.C stands for a public address: systems 1 and 2 are those of even and odd A. */
function networkOf (address: string): VerifiedNetwork | undefined {
  const [a = 0, b = 0] = (/^\/ip4\/127\.(\d+)\.(\d+)/.exec(address)?.slice(1) ?? []).map(Number)
  return { small: `127.${a}.${b}.0/24`, wide: `127.${a}.0.0/16`, system: 1 + a % 2 }
}

/** Connects from one of this machine's addresses; Node's sockets take the option, libp2p's type does not name it. */
function tcpFrom (localAddress: string): ReturnType<typeof tcp> {
  return tcp({ dialOpts: { localAddress } as TCPSocketOptions })
}

describe('a seed that limits what one network has', function () {
  this.timeout(30_000)
  const world = new AdmittedWorld()
  let seed: Seed | undefined

  afterEach(async () => {
    await world.stop()
    await seed?.stop()
  })

  async function start (init: SeedInit): Promise<Seed> {
    seed = await createSeed({ listen: ['/ip4/127.0.0.1/tcp/0'], trustedNetworks: [], networkOf, ...init })
    return seed
  }

  async function from (address: string): Promise<Visitor> {
    return await world.visit(seed as Seed, { listen: [], transports: () => [tcpFrom(address)], relay: 'dial' })
  }

  /** `in`, or why not. */
  async function outcome ({ peer, refusals }: Visitor): Promise<string> {
    await until(async () => refusals.length > 0 || await world.isRegistered(seed as Seed, peer.id))
    return refusals[0]?.reason ?? 'in'
  }

  it('registers so many of a /16 and of an autonomous system, and says of which there are too many', async () => {
    await start({ networkLimits: { registrations: { wide: 2, system: 3 } } })
    expect(await outcome(await from('127.10.1.1'))).to.equal('in')
    const second = await from('127.10.2.1')
    expect(await outcome(second)).to.equal('in')
    const third = await from('127.10.3.1')
    expect(await outcome(third)).to.equal('network_full')
    expect(third.refusals[0]?.message).to.include('127.10.0.0/16')
    expect(await outcome(await from('127.12.1.1'))).to.equal('in')
    const fifth = await from('127.14.1.1')
    expect(await outcome(fifth)).to.equal('network_full')
    expect(fifth.refusals[0]?.message).to.include('AS1')
    expect(await outcome(await from('127.11.1.1'))).to.equal('in')
    // one that is here renews
    second.peer.descriptionChanged()
    await until(() => seed?.service.counters.registered === 5)
    expect(second.refusals).to.deep.equal([])
  })

  it('registers as many of a /24 as it is told', async () => {
    await start({ maxPerNetwork: 1 })
    expect(await outcome(await from('127.10.1.1'))).to.equal('in')
    expect(await outcome(await from('127.10.1.2'))).to.equal('network_full')
    expect(await outcome(await from('127.10.2.1'))).to.equal('in')
  })

  it('gives so many reservations to one network, and another when one has gone', async () => {
    await start({ roles: ['discover', 'relay'], networkLimits: { reservations: { small: 1, wide: 2 } } })
    const reserve = async (visitor: Visitor): Promise<string> => {
      const addresses = (seed as Seed).addresses.map(address => address.replace(/\/p2p\/.*/, ''))
      const relays = visitor.peer.libp2p.services.relays
      return await relays?.reserve({ peer: (seed as Seed).id, addresses }, AbortSignal.timeout(5_000))
        .then(() => 'reserved', (error: Error) => error.message) ?? 'no relays'
    }
    const transports = { listen: [] }
    const first = await withRelay('127.10.1.1', transports)
    expect(await reserve(first)).to.equal('reserved')
    expect(await reserve(await withRelay('127.10.1.2', transports))).to.match(/RESOURCE_LIMIT_EXCEEDED|201/)
    expect(await reserve(await withRelay('127.10.2.1', transports))).to.equal('reserved')
    const third = await withRelay('127.10.3.1', transports)
    expect(await reserve(third)).to.match(/RESOURCE_LIMIT_EXCEEDED|201/)
    expect(seed?.relay?.ledger.counters.refused).to.deep.equal({ network_full: 2 })
    await first.peer.stop()
    await until(() => seed?.relay?.ledger.reserved === 1)
    expect(await reserve(await withRelay('127.10.4.1', transports))).to.equal('reserved')
  })

  /** Keeps the relay transport, which reservations are made with. */
  async function withRelay (address: string, init: { listen: string[] }): Promise<Visitor> {
    return await world.visit(seed as Seed, { ...init, transports: those => [tcpFrom(address), ...those.slice(2)] })
  }
})
