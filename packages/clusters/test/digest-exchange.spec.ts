/** Coordinators of a small world that tell each other digests: what they come to know, and what it costs. */
import { expect } from 'chai'
import fc from 'fast-check'
import { DigestExchange, MAX_LEVELS } from '../src/digest-exchange.ts'
import { encodeDigest, MAX_DIGEST_BYTES } from '../src/digest.ts'
import { LoadTable } from '../src/load-table.ts'
import { regionOf, parentScope } from '../src/scope.ts'
import type { DigestPeer, RegionAnswer } from '../src/digest-exchange.ts'

const BUDGET = 4

class DigestWorld {
  readonly machines = new Map<string, DigestExchange>()
  readonly loads = new Map<string, LoadTable>()
  readonly sent = new Map<string, number>()
  penalties = 0
  nowMs = 1e9

  constructor (scopes: string[]) {
    const all = new Set(scopes)
    for (const scope of all) { // grows while it is walked
      const parent = parentScope(scope)
      if (parent !== undefined) {
        all.add(parent)
      }
    }
    const peers = [...all].map((scope): DigestPeer => ({ peer: `coordinator of ${scope}`, scope }))
    for (const { peer, scope } of peers) {
      const machine = new DigestExchange({ self: peer, scope, firstSeq: 0 })
      machine.onPeers({
        upwards: peers.filter(other => other.scope === parentScope(scope)),
        across: parentScope(scope) === undefined ? peers.filter(other => parentScope(other.scope) === undefined && other.scope !== scope) : [],
        downwards: peers.filter(other => parentScope(other.scope) === scope)
      }, this.nowMs)
      this.machines.set(peer, machine)
    }
    for (const scope of scopes) {
      this.loads.set(scope, new LoadTable({ lifeMs: 1e12 }))
    }
  }

  at (scope: string): DigestExchange {
    return this.machines.get(`coordinator of ${scope}`) as DigestExchange
  }

  populate (peers: number, models: (peer: number) => string[]): void {
    const tables = [...this.loads]
    for (let peer = 0; peer < peers; peer++) {
      const [, table] = tables[peer % tables.length] as [string, LoadTable]
      table.onLoad(`peer ${peer}`, 1, models(peer).map(model => ({ model, free: 2 })), this.nowMs)
    }
  }

  run (ms: number): void {
    for (const endMs = this.nowMs + ms; ;) {
      for (const [scope, table] of this.loads) {
        this.at(scope).onCapacity(table.capacity(this.nowMs))
      }
      for (const machine of this.machines.values()) {
        if ((machine.nextTimeoutMs() ?? Infinity) <= this.nowMs) {
          machine.onTimeout(this.nowMs)
        }
      }
      for (const [from, machine] of this.machines) {
        for (let effect = machine.poll(); effect !== undefined; effect = machine.poll()) {
          if (effect.type === 'send') {
            this.sent.set(from, (this.sent.get(from) ?? 0) + effect.bytes.length)
            this.machines.get(effect.to)?.onDigest(from, effect.bytes, this.nowMs)
          } else {
            this.penalties++
          }
        }
      }
      const next = Math.min(...[...this.machines.values()].map(machine => machine.nextTimeoutMs() ?? Infinity))
      if (next > endMs) {
        this.nowMs = endMs
        return
      }
      this.nowMs = Math.max(this.nowMs + 1, next)
    }
  }
}

/** `clusters` of each of the regions, all of one zone, by so many bits. */
function scopesOf (regions: string[], bits: number): string[] {
  return regions.flatMap(region => Array.from({ length: 2 ** bits }, (_, i) => `${region}/z/${bits === 0 ? '' : i.toString(2).padStart(bits, '0')}`))
}

describe('DigestExchange', () => {
  it('lets every coordinator say where there is capacity for a model, whatever its cluster', () => {
    const scopes = scopesOf(['eu-west', 'us-east', 'ap-south'], 3)
    const world = new DigestWorld(scopes)
    world.populate(240, peer => [peer % 3 === 0 ? 'common' : 'other', ...(peer === 7 ? ['rare'] : [])])
    world.run(5 * 60_000)
    expect(world.penalties).to.equal(0)
    for (const scope of scopes) {
      const free = (answers: RegionAnswer[]): number => answers.reduce((sum, answer) => sum + answer.free, 0)
      expect(free(world.at(scope).where('common', world.nowMs))).to.equal(160)
      expect(world.at(scope).where('rare', world.nowMs)).to.deep.equal([{ region: regionOf(scopes[7] as string), providers: 1, free: 2, exact: true }])
      expect(world.at(scope).where('none', world.nowMs)).to.deep.equal([])
    }
  })

  it('forgets a cluster whose coordinator is silent for the life of a digest, and knows it again from the next one', () => {
    const scopes = scopesOf(['eu-west'], 1)
    const world = new DigestWorld(scopes)
    world.populate(4, peer => [`m${peer % 2}`])
    world.run(3 * 60_000)
    expect(world.at('eu-west/z/1').where('m0', world.nowMs)).to.have.length(1)
    const gone = world.at('eu-west/z/0')
    world.machines.delete('coordinator of eu-west/z/0')
    const table = world.loads.get('eu-west/z/0') as LoadTable
    world.loads.delete('eu-west/z/0')
    world.run(20 * 60_000)
    expect(world.at('eu-west/z/1').where('m0', world.nowMs)).to.deep.equal([])
    world.machines.set('coordinator of eu-west/z/0', gone)
    world.loads.set('eu-west/z/0', table)
    world.run(4 * 60_000)
    expect(world.at('eu-west/z/1').where('m0', world.nowMs)).to.have.length(1)
  })

  it('sends within its budget in any network, and all levels together within 28 B/s a device', () => {
    expect(MAX_LEVELS * BUDGET).to.be.at.most(28)
    fc.assert(fc.property(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 64 }),
      (peers, bits, regions, modelsOfPeer) => {
        const world = new DigestWorld(scopesOf(['eu-west', 'us-east', 'ap-south'].slice(0, regions), bits))
        const seconds = 600
        for (let minute = 0; minute < seconds / 60; minute++) { // everything changes every minute
          world.loads.forEach((_, scope) => world.loads.set(scope, new LoadTable({ lifeMs: 1e12 })))
          world.populate(peers, peer => Array.from({ length: modelsOfPeer }, (_, i) => `model ${(peer * 31 + i * 17 + minute * 7) % 3000}`))
          world.run(60_000)
        }
        for (const [from, bytes] of world.sent) {
          const scope = from.slice('coordinator of '.length)
          // of those that it thinks there are, at most
          const below = [...world.loads.keys()].filter(other => other.startsWith(scope)).length * Math.ceil(peers / world.loads.size)
          expect(bytes).to.be.at.most(MAX_DIGEST_BYTES + BUDGET * Math.max(1, below) * seconds)
        }
      }), { numRuns: 6 })
  }).timeout(240_000)

  it('is not told of a part by who does not coordinate it, nor of another region, nor what nobody would write', () => {
    const machine = new DigestExchange({ self: 'me', scope: 'eu-west/z/', firstSeq: 0 })
    machine.onPeers({ upwards: [{ peer: 'up', scope: 'eu-west' }], across: [], downwards: [{ peer: 'down', scope: 'eu-west/z/0' }] }, 0)
    const one = new Map([['eu-west', { peers: 10, models: new Map() }]])
    const digest = { origin: 'down', seq: 1, issuedAtMs: 0, scope: 'eu-west/z/0', view: 'part' as const, regions: one }
    const reasons = (from: string, bytes: Uint8Array): string[] => {
      machine.onDigest(from, bytes, 0)
      const found: string[] = []
      for (let effect = machine.poll(); effect !== undefined; effect = machine.poll()) {
        found.push(effect.type === 'penalize' ? effect.reason : effect.type)
      }
      return found
    }
    expect(reasons('down', encodeDigest(digest))).to.deep.equal([])
    expect(reasons('other', encodeDigest(digest))).to.deep.equal(['not_its_part'])
    expect(reasons('down', encodeDigest({ ...digest, scope: 'eu-west/z/1' }))).to.deep.equal(['not_its_part'])
    expect(reasons('down', encodeDigest({ ...digest, view: 'whole' }))).to.deep.equal(['not_its_part'])
    expect(reasons('down', encodeDigest({ ...digest, regions: new Map([['us-east', { peers: 10, models: new Map() }]]) }))).to.deep.equal(['not_its_part'])
    expect(reasons('down', encodeDigest({ ...digest, issuedAtMs: 100_000 }))).to.deep.equal(['from_the_future'])
    expect(reasons('down', Uint8Array.of(1, 2, 3))).to.deep.equal(['malformed'])
    expect([...machine.part(0)].map(([region, { peers }]) => [region, peers])).to.deep.equal([['eu-west', 10]])
  })
})
