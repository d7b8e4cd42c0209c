import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { DeviceHub } from '../../src/devices/device-hub.ts'
import { UNLIMITED } from '../../src/devices/device-limits.ts'
import { ownerOf } from '../../src/devices/socket-address.ts'
import { capabilitiesOf } from './device-client.ts'
import type { DeviceEffect, SocketId } from '../../src/devices/device-hub.ts'
import type { DeviceLimits } from '../../src/devices/device-limits.ts'

const name = (i: number): string => i.toString(16).padStart(64, '0')
const GOOD = 'ab'.repeat(64)

/** A hub with its world made up: a signature is good when it says so. */
class Table {
  readonly hub: DeviceHub
  readonly queued = new Map<SocketId, number>()
  nowMs = 1_000_000

  constructor (limits: DeviceLimits = {}) {
    this.hub = new DeviceHub(limits, {
      queuedBytes: socket => this.queued.get(socket) ?? 0,
      totalQueuedBytes: () => [...this.queued.values()].reduce((sum, bytes) => sum + bytes, 0),
      verify: (_key, _text, signature) => signature === GOOD
    }, new SeededRandom(7))
  }

  open (socket: SocketId, init: { address?: string, events?: boolean } = {}): void {
    this.hub.onOpen(socket, { address: init.address ?? String(socket), events: init.events }, this.nowMs)
  }

  send (socket: SocketId, kind: string, payload: unknown): DeviceEffect[] {
    this.hub.onMessage(socket, Buffer.from(JSON.stringify({ [kind]: payload })), false, this.nowMs)
    return this.drain()
  }

  register (socket: SocketId, i: number, capabilities: Record<string, unknown> = {}, more: Record<string, unknown> = {}): DeviceEffect[] {
    return this.send(socket, 'register', {
      nodeID: name(i), publicKey: name(i), displayName: `device ${i}`, capabilities: capabilitiesOf(capabilities), signature: GOOD, ...more
    })
  }

  discover (socket: SocketId, i: number, filter?: unknown): any[] {
    const [effect] = this.send(socket, 'discover', { requestingNodeID: name(i), filter })
    return payloadOf(effect, 'discoverResponse').peers
  }

  advance (ms: number): DeviceEffect[] {
    const untilMs = this.nowMs + ms
    for (let next = this.hub.nextTimeoutMs(); next != null && next <= untilMs; next = this.hub.nextTimeoutMs()) {
      this.nowMs = Math.max(this.nowMs, next)
      this.hub.onTimeout(this.nowMs)
    }
    this.nowMs = untilMs
    return this.drain()
  }

  drain (): DeviceEffect[] {
    const effects: DeviceEffect[] = []
    for (let effect = this.hub.poll(); effect != null; effect = this.hub.poll()) {
      effects.push(effect)
    }
    return effects
  }
}

function payloadOf (effect: DeviceEffect | undefined, kind: string): any {
  expect(effect?.type).to.equal('send')
  const message = JSON.parse(String((effect as { data: string }).data))
  expect(Object.keys(message)).to.deep.equal([kind])
  return message[kind]
}

describe('the hub of devices', () => {
  const hardware = (changes: object): object => ({ hardware: { ...(capabilitiesOf().hardware as object), ...changes } })

  const FILTERS: Array<[filter: object | undefined, found: number[]]> = [
    [undefined, [1, 2, 3, 4]], [{}, [1, 2, 3, 4]], [{ modelID: 'big' }, [1, 3]], [{ modelID: 'none' }, []], [{ minTier: 1 }, [1]],
    [{ minTier: 2 }, [1, 2]], [{ minTier: 4 }, [1, 2, 3, 4]], [{ minRAMGB: 32 }, [1, 2]], [{ minRAMGB: 32.5 }, [1]],
    [{ modelID: 'big', minTier: 2 }, [1]], [{ modelID: null, minTier: 3 }, [1, 2, 3]]
  ]
  for (const [filter, found] of FILTERS) {
    it(`finds ${JSON.stringify(found)} for ${JSON.stringify(filter)}, the asker left out`, () => {
      const table = new Table({ rates: { discover: UNLIMITED } })
      for (const [i, changes] of [
        {},
        { loadedModels: ['big', 'small'], ...hardware({ tier: 1, totalRAMGB: 64 }) },
        { loadedModels: ['small'], ...hardware({ tier: 2, totalRAMGB: 32 }) },
        { loadedModels: ['big'], ...hardware({ tier: 3, totalRAMGB: 16 }) },
        { loadedModels: [], ...hardware({ tier: 4, totalRAMGB: 8 }) }
      ].entries()) {
        table.open(i)
        table.register(i, i, changes)
      }
      expect(table.discover(0, 0, filter).map(({ nodeID }) => Number(`0x${nodeID}`)).sort()).to.deep.equal(found)
    })
  }

  it('answers with at most 20 and 12 KiB of 3,000, the good ones first, not always the same', () => {
    const table = new Table({ rates: { discover: UNLIMITED } })
    for (let i = 0; i < 3_000; i++) {
      table.open(i)
      table.register(i, i, { isAvailable: i % 3 !== 0, ...hardware({ tier: 1 + i % 4 }) }, { displayName: 'ÄÖÜ😀'.repeat(i % 20) })
    }
    const seen = new Set<string>()
    for (let round = 0; round < 50; round++) {
      const [effect] = table.send(5, 'discover', { requestingNodeID: name(5) })
      expect(Buffer.byteLength((effect as { data: string }).data)).to.be.at.most(12 * 1024)
      const { peers } = payloadOf(effect, 'discoverResponse')
      expect(peers).to.have.length.within(10, 20)
      expect(new Set(peers.map(({ nodeID }: any) => nodeID)).size).to.equal(peers.length)
      const ranks = peers.map(({ capabilities }: any) => (capabilities.isAvailable ? 0 : 8) + capabilities.hardware.tier)
      expect(ranks).to.deep.equal([...ranks].sort((a: number, b: number) => a - b))
      for (const { nodeID } of peers) {
        seen.add(nodeID)
      }
    }
    expect(seen.has(name(5))).to.equal(false)
    expect(seen.size).to.be.greaterThan(200)
  })

  it('leaves an entry that is too long to the next', () => {
    const table = new Table({ maxDiscoverBytes: 2_048 })
    for (let i = 0; i < 4; i++) {
      table.open(i)
      table.register(i, i, { loadedModels: i === 1 ? Array.from({ length: 64 }, (_, m) => `${m}`.padStart(100, 'm')) : ['m'] })
    }
    expect(table.discover(0, 0).map(({ nodeID }) => nodeID)).to.have.members([name(2), name(3)])
  })

  it('registers again with other capabilities, and finds by these alone', () => {
    const table = new Table({ rates: { discover: UNLIMITED } })
    table.open(1)
    table.open(2)
    table.register(1, 1, { loadedModels: ['old'] })
    table.register(2, 2)
    expect(table.register(1, 1, { loadedModels: ['new'] }).map(({ type }) => type)).to.deep.equal(['send', 'device'])
    expect(table.discover(2, 2, { modelID: 'old' })).to.deep.equal([])
    expect(table.discover(2, 2, { modelID: 'new' })).to.have.length(1)
    expect(table.hub.deviceCount).to.equal(2)
  })

  it('takes a name for the same whether its digits are in capitals or not', () => {
    const table = new Table()
    const upper = name(0xabc).toUpperCase()
    table.open(1)
    table.open(2)
    table.open(3)
    table.register(1, 0xabc)
    table.register(3, 3)
    table.register(2, 0xabc, {}, { nodeID: upper, publicKey: upper })
    expect(table.hub.deviceCount).to.equal(2)
    const [effect] = table.send(3, 'relayOpen', { fromNodeID: name(3), toNodeID: name(0xabc), sessionID: 's' })
    expect(effect).to.include({ type: 'send', socket: 2 })
  })

  it('does not let a device go that another could not prove to be', () => {
    const table = new Table()
    table.open(1)
    table.open(2)
    table.register(1, 1)
    expect(payloadOf(table.register(2, 1, {}, { signature: '00'.repeat(64) })[0], 'error').code).to.equal('invalid_signature')
    expect(table.hub.deviceOf(name(1))).to.not.equal(undefined)
    expect(table.register(2, 1).map(({ type }) => type)).to.deep.equal(['close', 'send', 'device'])
    // the end of the old socket does not take the new registration along
    table.hub.onClose(1, table.nowMs)
    expect(table.hub.deviceCount).to.equal(1)
  })

  it('forgets a device with its socket: no ghosts', () => {
    const table = new Table()
    for (let i = 0; i < 100; i++) {
      table.open(1)
      table.register(1, i)
      table.hub.onClose(1, table.nowMs)
    }
    expect([table.hub.deviceCount, table.hub.socketCount]).to.deep.equal([0, 0])
  })

  it('pings the silent, closes those that do not answer, keeps those that do', () => {
    const table = new Table()
    table.open(1)
    table.open(2)
    table.register(1, 1)
    table.register(2, 2)
    expect(table.advance(30_000)).to.deep.equal([{ type: 'ping', socket: 1 }, { type: 'ping', socket: 2 }])
    table.hub.onAlive(2, table.nowMs)
    const effects = table.advance(45_000)
    expect(effects.filter(({ type }) => type === 'close')).to.deep.equal([{ type: 'close', socket: 1, code: 4000, reason: 'silent for too long' }])
    expect(table.hub.deviceCount).to.equal(1)
    for (let i = 0; i < 20; i++) { // pings alone keep a registration beyond its 300 s
      table.hub.onAlive(2, table.nowMs)
      table.advance(25_000)
    }
    expect(table.hub.deviceCount).to.equal(1)
  })

  it('closes a socket that does not register in time', () => {
    const table = new Table()
    table.open(1)
    expect(table.advance(14_999)).to.deep.equal([])
    expect(table.advance(1)).to.deep.equal([{ type: 'close', socket: 1, code: 4002, reason: 'no registration in time' }])
    expect(table.send(1, 'discover', {})).to.deep.equal([])
    expect(table.hub.nextTimeoutMs()).to.equal(undefined)
  })

  const RATES: Array<[rate: string, allowed: number, waitSeconds: number, kind: string, payload: object]> = [
    ['discover', 3, 10, 'discover', { requestingNodeID: name(1) }],
    ['signal', 200, 1, 'relayOpen', { fromNodeID: name(1), toNodeID: name(2), sessionID: 's' }]
  ]
  for (const [rate, allowed, waitSeconds, kind, payload] of RATES) {
    it(`limits ${rate}: ${allowed} at once, then the error says to come back in ${waitSeconds} s, and then it goes on`, () => {
      const table = new Table()
      table.open(1)
      table.open(2)
      table.register(1, 1)
      table.register(2, 2)
      for (let i = 0; i < allowed; i++) {
        expect(String((table.send(1, kind, payload)[0] as { data: string }).data)).not.to.include('error')
      }
      expect(payloadOf(table.send(1, kind, payload)[0], 'error')).to.include({ code: 'rate_limited', kind, retryAfterSeconds: waitSeconds })
      table.nowMs += waitSeconds * 1_000
      expect(String((table.send(1, kind, payload)[0] as { data: string }).data)).not.to.include('error')
    })
  }

  it('limits registrations and bytes, and closes a socket that goes on with what is refused', () => {
    const table = new Table({ rates: { faults: { ratePerSecond: 1, burst: 5 }, bytes: { ratePerSecond: 100, burst: 2_000 } } })
    table.open(1)
    table.register(1, 1)
    const effects = Array.from({ length: 20 }, () => table.register(1, 1)).flat()
    expect(effects.filter(effect => effect.type === 'send' && String(effect.data).includes('rate_limited'))).to.have.length(5)
    expect(effects.find(({ type }) => type === 'close')).to.include({ code: 4003 })
    expect(table.hub.socketCount).to.equal(0)
  })

  it('refuses what finds no room in the receiver\'s queue, or in all queues together, and tells the sender which it was', () => {
    const table = new Table({ maxQueueBytes: 1_000_000, maxTotalQueueBytes: 1_500_000 })
    for (const i of [1, 2, 3]) {
      table.open(i)
      table.register(i, i)
    }
    const relay = (): DeviceEffect[] => table.send(1, 'relayData', { fromNodeID: name(1), toNodeID: name(2), sessionID: 's', data: 'AAAA' })
    table.queued.set(2, 900_000)
    expect(relay()[0]).to.include({ type: 'send', socket: 2 })
    table.queued.set(3, 700_000)
    expect(payloadOf(relay()[0], 'error')).to.include({ code: 'queue_full', kind: 'relayData', toNodeID: name(2), sessionID: 's' })
    table.queued.delete(3)
    table.queued.set(2, 1_000_000)
    expect(payloadOf(relay()[0], 'error').code).to.equal('queue_full')
    table.queued.set(2, 0)
    expect(relay()[0]).to.include({ type: 'send', socket: 2 })
  })

  it('counts sockets of one address', () => {
    const table = new Table({ maxSocketsPerAddress: 2, maxSockets: 3 })
    table.open(1, { address: 'x' })
    table.open(2, { address: 'x' })
    expect([table.hub.refusalOf('x'), table.hub.refusalOf('y')]).to.deep.equal(['address', undefined])
    table.open(3, { address: 'y' })
    expect(table.hub.refusalOf('z')).to.equal('sockets')
    table.hub.onClose(1, table.nowMs)
    expect(table.hub.refusalOf('x')).to.equal(undefined)
  })

  it('puts the seed\'s own node first where it meets the filter, and hands over what is for it', () => {
    const table = new Table({ rates: { discover: UNLIMITED } })
    for (const i of [1, 2]) {
      table.open(i)
      table.register(i, i)
    }
    const own = { nodeID: name(9), publicKey: name(9), displayName: 'mesh', capabilities: capabilitiesOf({ loadedModels: ['m'] }) as never }
    table.hub.onLocalNode(own, table.nowMs)
    expect(table.discover(1, 1).map(({ nodeID }) => nodeID)).to.deep.equal([name(9), name(2)])
    expect(table.discover(1, 1, { modelID: 'none' })).to.deep.equal([])
    expect(table.send(1, 'relayOpen', { fromNodeID: name(1), toNodeID: name(9), sessionID: 's' })[0]).to.include({ type: 'deliver' })
    expect(payloadOf(table.send(1, 'iceCandidate', {
      fromNodeID: name(1), toNodeID: name(9), sessionID: 's', candidate: { ip: '::1', port: 1, type: 'host', priority: 1 }
    })[0], 'error').code).to.equal('relay_only')
    expect(payloadOf(table.register(2, 9)[0], 'error').code).to.be.oneOf(['already_registered', 'invalid_register'])
    expect(table.hub.onLocalMessage('relayReady', { fromNodeID: name(9), toNodeID: name(1), sessionID: 's' }, table.nowMs)).to.equal('sent')
    expect(table.hub.onLocalMessage('relayReady', { fromNodeID: name(9), toNodeID: name(7), sessionID: 's' }, table.nowMs)).to.equal('peer_not_found')
    table.queued.set(1, 100_000_000)
    expect(table.hub.onLocalMessage('relayReady', { fromNodeID: name(9), toNodeID: name(1), sessionID: 's' }, table.nowMs)).to.equal('queue_full')
    table.drain()
    table.hub.onLocalNode(undefined, table.nowMs)
    expect(table.discover(2, 2).map(({ nodeID }) => nodeID)).to.deep.equal([name(1)])
  })
})

describe('the owner of an address', () => {
  for (const [address, owner] of [
    ['192.0.2.7', '192.0.2.7'], ['::ffff:192.0.2.7', '192.0.2.7'], ['2001:db8:1:2345::1', '2001:0db8:0001:2300::/56'],
    ['2001:db8:1:23ff:9:9:9:9', '2001:0db8:0001:2300::/56'], ['::1', '0000:0000:0000:0000::/56'], ['fe80::1%eth0', 'fe80:0000:0000:0000::/56']
  ] as const) {
    it(`${address} is of ${owner}`, () => { expect(ownerOf(address)).to.equal(owner) })
  }
})
