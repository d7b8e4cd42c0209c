import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { PATHS, PathTable } from '../src/index.ts'
import type { Path, PathEffect, PathTableInit, Reach } from '../src/index.ts'

const NAT: Reach = { dialable: false, tcp: true, webrtc: true, nat: { mapping: 'endpoint-independent', filtering: 'port' } }
const SYMMETRIC: Reach = { ...NAT, nat: { mapping: 'random', filtering: 'port' } }

class Table extends PathTable {
  readonly seen: PathEffect[] = []
  nowMs = 1_000_000

  constructor (init: Partial<PathTableInit> = {}) {
    super({ self: () => NAT, ...init }, new SeededRandom(1))
  }

  connect (id: string, path: Path, peer = 'p', leads = false): this {
    this.onConnected({ id, peer, path, leads }, this.nowMs)
    return this.drain()
  }

  close (id: string, peer = 'p'): this {
    this.onClosed(peer, id, this.nowMs)
    return this.drain()
  }

  reach (reach: Reach = NAT, peer = 'p'): this {
    this.onReach(peer, reach, this.nowMs)
    return this.drain()
  }

  tried (way: Parameters<PathTable['onTried']>[1], worked: boolean, peer = 'p'): this {
    this.onTried(peer, way, worked, this.nowMs)
    return this.drain()
  }

  wait (ms: number, uses = false): this {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs;) {
      this.nowMs = Math.min(endMs, this.nextTimeoutMs() ?? endMs)
      if (uses) {
        this.onUsed('p', this.nowMs)
      }
      this.onTimeout(this.nowMs)
      this.drain()
    }
    return this
  }

  /** What was tried since the last look. */
  get newTries (): string[] {
    return this.take().flatMap(effect => effect.type === 'try' ? [effect.way] : [])
  }

  take (): PathEffect[] {
    return this.seen.splice(0)
  }

  private drain (): this {
    for (let effect = this.poll(); effect !== undefined; effect = this.poll()) {
      this.seen.push(effect)
    }
    return this
  }
}

describe('PathTable', () => {
  it('tells of a peer that a relay is what is left: when no way is there to try, or all failed, and for good while it is not connected', () => {
    const table = new Table().connect('r', 'relayed')
    expect(table.pathTo('p')).to.include({ isStuck: false })
    table.reach(SYMMETRIC)
    expect(table.pathTo('p')).to.include({ isStuck: true })
    table.reach(NAT)
    expect(table.pathTo('p')).to.include({ isStuck: false, trying: 'tcp-punch' })
    table.tried('tcp-punch', false)
    expect(table.pathTo('p')).to.include({ isStuck: false, trying: 'webrtc' })
    table.tried('webrtc', false).close('r')
    expect(table.pathTo('p')).to.include({ isStuck: true, path: undefined, lastPath: 'relayed' })
  })

  it('tells the path of a peer, why, and since when', () => {
    const table = new Table()
    expect(table.pathTo('p')).to.equal(undefined)
    table.connect('r', 'relayed')
    expect(table.pathTo('p')).to.deep.equal({
      path: 'relayed', lastPath: 'relayed', isStuck: false, why: 'a relayed connection was made', sinceMs: 1_000_000, failed: []
    })
    expect(table.take()).to.deep.equal([{ type: 'changed', peer: 'p', from: undefined, to: 'relayed', why: 'a relayed connection was made' }])
    table.close('r')
    expect(table.pathTo('p')).to.include({ path: undefined, lastPath: 'relayed', isStuck: false, why: 'the relayed connection ended' })
  })

  it('tries nothing until it knows what the other can do, and nothing that cannot work', () => {
    const table = new Table().connect('r', 'relayed')
    expect(table.newTries).to.deep.equal([])
    table.reach(SYMMETRIC)
    expect(table.newTries).to.deep.equal([])
    table.reach(NAT)
    expect(table.newTries).to.deep.equal(['tcp-punch'])
  })

  it('tries the next way when one fails, and all again after a pause that grows', () => {
    const table = new Table().connect('r', 'relayed').reach()
    expect(table.newTries).to.deep.equal(['tcp-punch'])
    table.tried('tcp-punch', false)
    expect(table.newTries).to.deep.equal(['webrtc'])
    table.tried('webrtc', false)
    table.wait(29_000, true)
    expect(table.newTries).to.deep.equal([])
    table.wait(10_000, true)
    expect(table.newTries).to.deep.equal(['tcp-punch'])
    table.tried('tcp-punch', false)
    const [punch] = table.pathTo('p')?.failed ?? []
    expect(punch).to.include({ way: 'tcp-punch', failures: 2 })
    expect((punch?.untilMs ?? 0) - table.nowMs).to.be.within(60_000, 75_000)
  })

  it('takes silence for failure', () => {
    const table = new Table().connect('r', 'relayed').reach()
    table.take()
    table.wait(10_000)
    expect(table.newTries).to.deep.equal(['webrtc'])
  })

  it('lets the relayed connection go when a better one stands, and takes it back when that ends first', () => {
    const table = new Table().connect('r', 'relayed').reach()
    table.take()
    table.connect('d', 'punched').tried('tcp-punch', true)
    expect(table.take()).to.deep.equal([
      { type: 'changed', peer: 'p', from: 'relayed', to: 'punched', why: 'a punched connection was made' },
      { type: 'retire', peer: 'p', connection: 'r' }
    ])
    expect(table.bestConnection('p')).to.equal('d')
    expect(table.isRetired('p', 'r')).to.equal(true)
    table.close('d')
    expect(table.isRetired('p', 'r')).to.equal(false)
    expect(table.bestConnection('p')).to.equal('r')
    expect(table.newTries, 'and tries again').to.deep.equal(['tcp-punch'])
  })

  it('does not care for a relayed path that nobody uses', () => {
    const table = new Table().connect('r', 'relayed').wait(120_000).reach()
    expect(table.newTries).to.deep.equal([])
    table.onUsed('p', table.nowMs)
    table.wait(0)
    expect(table.poll()).to.deep.equal({ type: 'try', peer: 'p', way: 'tcp-punch' })
  })

  it('forgets failures when this peer is in another network', () => {
    const table = new Table().connect('r', 'relayed').reach().tried('tcp-punch', false).tried('webrtc', false)
    table.take()
    table.onNetworkChanged(table.nowMs)
    table.wait(1)
    expect(table.poll() ?? table.take()[0]).to.deep.equal({ type: 'try', peer: 'p', way: 'tcp-punch' })
  })

  it('asks what a peer can do, again when it does not say and when that may have changed, while the relayed path is used', () => {
    const table = new Table().connect('r', 'relayed', 'p', true)
    const asks = (afterMs: number): number => table.wait(afterMs, true).take().filter(({ type }) => type === 'ask').length
    expect(asks(0), 'at first').to.equal(1)
    table.onReachFailed('p', table.nowMs)
    expect([asks(1_999), asks(1)], 'after two seconds').to.deep.equal([0, 1])
    table.onReachFailed('p', table.nowMs)
    expect([asks(3_999), asks(1)], 'after four').to.deep.equal([0, 1])
    table.reach(SYMMETRIC)
    expect([asks(59_999), asks(1)], 'after a minute').to.deep.equal([0, 1])
    table.reach(SYMMETRIC).wait(1_000_000)
    expect(table.take().filter(({ type }) => type === 'ask').length, 'while it still counts as used').to.be.at.most(1)
  })

  it('leaves the questions to who dialled the circuit', () => {
    expect(new Table().connect('r', 'relayed').wait(100_000, true).take().filter(({ type }) => type === 'ask')).to.deep.equal([])
  })

  it('tries again what failed when the other side can do more than it could', () => {
    const table = new Table().connect('r', 'relayed').reach().tried('tcp-punch', false).tried('webrtc', false)
    table.take()
    table.reach()
    expect(table.newTries).to.deep.equal([])
    table.reach({ ...NAT, dialable: true })
    expect(table.newTries).to.deep.equal(['dial'])
  })

  it('goes back to a worse path when nothing comes over the better one, and tries for another', () => {
    const table = new Table().connect('r', 'relayed').reach()
    table.connect('d', 'punched').tried('tcp-punch', true)
    table.take()
    table.onSilent('p', 'd', table.nowMs)
    table.wait(0)
    expect(table.bestConnection('p')).to.equal('r')
    expect(table.isRetired('p', 'r')).to.equal(false)
    table.connect('r2', 'relayed')
    expect(table.take().map(({ type }) => type)).to.deep.equal(['changed', 'try'])
    table.onHeard('p', 'd', table.nowMs)
    expect(table.bestConnection('p')).to.equal('d')
    expect(table.pathTo('p')).to.include({ path: 'punched', why: 'the punched connection carries again' })
  })

  it('has no path to a peer over whose only connection nothing comes', () => {
    const table = new Table().connect('d', 'direct')
    table.onSilent('p', 'd', table.nowMs)
    expect(table.bestConnection('p')).to.equal(undefined)
    expect(table.pathTo('p')).to.include({ path: undefined, why: 'nothing comes over the direct connection' })
    table.connect('e', 'direct')
    expect(table.bestConnection('p')).to.equal('e')
    table.close('d').close('e')
    expect(table.pathTo('p')).to.include({ path: undefined, why: 'the direct connection ended' })
  })

  it('tries a few at once, and the others when those have ended', () => {
    const table = new Table({ maxTries: 2 })
    for (const peer of ['a', 'b', 'c']) {
      table.connect(`r${peer}`, 'relayed', peer).reach(NAT, peer)
    }
    expect(table.take().filter(({ type }) => type === 'try').map(({ peer }) => peer)).to.deep.equal(['a', 'b'])
    table.connect('da', 'punched', 'a').tried('tcp-punch', true, 'a')
    expect(table.take().filter(({ type }) => type === 'try').map(({ peer }) => peer)).to.deep.equal(['c'])
  })

  it('always names the best of what stands, and never tries more than it may', () => {
    const event = fc.record({
      what: fc.constantFrom('connect', 'close', 'reach', 'tried', 'wait', 'network'),
      peer: fc.constantFrom('p', 'q', 's'), id: fc.nat(3), path: fc.constantFrom(...PATHS), worked: fc.boolean(), ms: fc.nat(60_000)
    })
    fc.assert(fc.property(fc.array(event, { maxLength: 60 }), events => {
      const table = new Table({ maxTries: 2, maxPeers: 2 })
      const standing = new Map<string, Map<string, Path>>()
      for (const { what, peer, id, path, worked, ms } of events) {
        const key = `${peer}${id}`
        const known = table.pathTo(peer) !== undefined
        if (what === 'connect') {
          const of = known ? standing.get(peer) ?? new Map<string, Path>() : new Map<string, Path>()
          standing.set(peer, of.set(key, path))
          table.connect(key, path, peer)
        } else if (what === 'close') {
          standing.get(peer)?.delete(key)
          table.close(key, peer)
        } else if (what === 'reach') {
          if (!known) {
            standing.delete(peer)
          }
          table.reach(worked ? NAT : SYMMETRIC, peer)
        } else if (what === 'tried') {
          table.tried(table.pathTo(peer)?.trying ?? 'webrtc', worked, peer)
        } else if (what === 'network') {
          table.onNetworkChanged(table.nowMs)
        } else {
          table.wait(ms)
        }
        for (const other of ['p', 'q', 's']) {
          const state = table.pathTo(other)
          if (state !== undefined) {
            const paths = [...standing.get(other)?.values() ?? []]
            expect(state.path).to.equal(PATHS.find(path => paths.includes(path)))
          }
        }
        expect(['p', 'q', 's'].filter(of => table.pathTo(of)?.trying !== undefined).length).to.be.at.most(2)
      }
    }))
  })
})
