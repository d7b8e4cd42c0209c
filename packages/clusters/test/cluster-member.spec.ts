/** Members of a cluster in a small world without loss: who knows whom, who coordinates, and what happens when one of them goes. */
import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { encodeAnswer } from '../src/cluster-message.ts'
import { ClusterMember } from '../src/cluster-member.ts'
import { encodeNotice } from '../src/cluster-notice.ts'
import { testPeer } from './peer-fixture.ts'
import type { ClusterEffect } from '../src/cluster-effect.ts'
import type { ClusterMemberInit } from '../src/cluster-member.ts'
import type { ModelLoad } from '../src/load-table.ts'

const START_MS = Date.UTC(2026, 0, 1)

/** All are connected, and all that is sent arrives at once. */
class SmallWorld {
  readonly members = new Map<string, ClusterMember>()
  readonly topics = new Map<string, Set<string>>()
  readonly advertised = new Map<string, Set<string>>()
  /** Who published, and what kind of notice */
  readonly published: Array<{ peer: string, isLease: boolean }> = []
  nowMs = START_MS
  private busy = false

  add (index: number, models: ModelLoad[] = [], init: Partial<ClusterMemberInit> = {}): ClusterMember {
    const self = testPeer(index)
    const member = new ClusterMember({ self, region: 'eu-west', weight: 1, ...init }, new SeededRandom(index), this.nowMs)
    member.onLoads(models, this.nowMs)
    for (const [other, known] of this.members) {
      known.onConnected(self)
      member.onConnected(other)
    }
    this.members.set(self, member)
    this.drain()
    return member
  }

  /** Ends without a word. */
  kill (peer: string): void {
    this.members.delete(peer)
    this.advertised.forEach(peers => peers.delete(peer))
    this.topics.forEach(peers => peers.delete(peer))
    this.members.forEach(member => { member.onDisconnected(peer, this.nowMs) })
    this.topics.forEach((_, topic) => { this.tellSubscribers(topic) })
    this.drain()
  }

  run (ms: number): void {
    for (const endMs = this.nowMs + ms; ;) {
      const next = Math.min(...[...this.members.values()].map(member => member.nextTimeoutMs() ?? Infinity))
      if (next > endMs) {
        this.nowMs = endMs
        return
      }
      this.nowMs = Math.max(this.nowMs + 1, next)
      for (const member of this.members.values()) {
        if ((member.nextTimeoutMs() ?? Infinity) <= this.nowMs) {
          member.onTimeout(this.nowMs)
        }
      }
      this.drain()
    }
  }

  coordinators (): Array<string | undefined> {
    return [...new Set([...this.members.values()].map(member => member.coordinator))]
  }

  private drain (): void {
    if (this.busy) {
      return
    }
    this.busy = true
    for (let again = true; again;) {
      again = false
      for (const [peer, member] of this.members) {
        for (let effect = member.poll(); effect !== undefined; effect = member.poll()) {
          again = true
          this.perform(peer, member, effect)
        }
      }
    }
    this.busy = false
  }

  private perform (peer: string, member: ClusterMember, effect: ClusterEffect): void {
    const { nowMs } = this
    if (effect.type === 'join' || effect.type === 'leave') {
      const peers = this.topics.get(effect.topic) ?? new Set()
      this.topics.set(effect.topic, peers)
      peers[effect.type === 'join' ? 'add' : 'delete'](peer)
      this.tellSubscribers(effect.topic)
    } else if (effect.type === 'publish') {
      this.published.push({ peer, isLease: effect.bytes[0] === 0x22 })
      for (const other of this.topics.get(effect.topic) ?? []) {
        if (other !== peer && this.members.get(other)?.verdict(effect.topic, peer, effect.bytes, nowMs) === 'accept') {
          this.members.get(other)?.onNotice(effect.topic, peer, effect.bytes, nowMs)
        }
      }
    } else if (effect.type === 'send' || effect.type === 'ask') {
      const other = this.members.get(effect.peer)
      const answer = other?.onMessage(peer, effect.bytes, nowMs)
      if (answer !== undefined) {
        member.onAnswer(effect.peer, effect.topic ?? '', encodeAnswer(answer), nowMs)
      } else if (effect.type === 'ask') {
        member.onAskFailed(effect.peer, effect.topic ?? '', nowMs)
      } else if (other === undefined) {
        member.onUnreachable(effect.peer, nowMs)
      }
    } else if (effect.type === 'probe') {
      member.onProbed(effect.peer, this.members.has(effect.peer), nowMs)
    } else if (effect.type === 'advertise') {
      const peers = this.advertised.get(effect.scope) ?? new Set()
      this.advertised.set(effect.scope, peers)
      peers[effect.active ? 'add' : 'delete'](peer)
    } else if (effect.type === 'seek') {
      this.advertised.get(effect.scope)?.forEach(other => { member.onFound(effect.scope, other, [], nowMs) })
      member.onSought(effect.scope, nowMs)
    }
  }

  private tellSubscribers (topic: string): void {
    const peers = [...this.topics.get(topic) ?? []]
    for (const peer of peers) {
      this.members.get(peer)?.onSubscribers(topic, peers.filter(other => other !== peer), this.nowMs)
    }
  }
}

function worldOf (count: number, init: Partial<ClusterMemberInit> = {}): SmallWorld {
  const world = new SmallWorld()
  for (let i = 0; i < count; i++) {
    world.add(i, [{ model: 'common', free: 2 }], init)
    world.run(1000)
  }
  return world
}

describe('ClusterMember', () => {
  it('is the first of its cluster when nobody is found, and coordinates everything', () => {
    const world = worldOf(1)
    world.run(30_000)
    const [[peer, member]] = [...world.members] as [[string, ClusterMember]]
    expect(member.coordinator).to.equal(peer)
    expect(member.held).to.deep.equal(['eu-west/all/', 'eu-west'])
    expect(member.where('common', world.nowMs)).to.deep.equal([{ region: 'eu-west', providers: 1, free: 2, exact: true }])
    expect(member.where('other', world.nowMs)).to.deep.equal([])
  })

  it('never coordinates with weight 0, and the cluster lives without anyone who does', () => {
    const world = worldOf(5, { weight: 0 })
    world.run(120_000)
    expect([...world.members.values()].map(({ memberCount }) => memberCount)).to.deep.equal([5, 5, 5, 5, 5])
    expect(world.coordinators()).to.deep.equal([undefined])
  })

  it('knows all members, one of which coordinates and knows what all have', () => {
    const world = worldOf(30)
    world.run(30_000)
    expect(new Set([...world.members.values()].map(({ memberCount }) => memberCount))).to.deep.equal(new Set([30]))
    const [coordinator, ...others] = world.coordinators()
    expect(others).to.deep.equal([])
    const member = world.members.get(coordinator as string) as ClusterMember
    expect(member.where('common', world.nowMs)).to.deep.equal([{ region: 'eu-west', providers: 30, free: 60, exact: true }])
  })

  it('follows another when the one that would coordinate is known to fail, and whoever knows nothing of that has a coordinator too', () => {
    const usual = worldOf(12)
    usual.run(60_000)
    const [failing] = usual.coordinators() as [string]
    const weigh = (peer: string, claimed: number): number => peer === failing ? claimed * 1e-6 : claimed
    const cases: Array<[string, (index: number) => boolean]> = [['all know', () => true], ['every other knows', index => index % 2 === 0]]
    for (const [name, knows] of cases) {
      const world = new SmallWorld()
      for (let i = 0; i < 12; i++) {
        world.add(i, [], knows(i) ? { weigh } : {})
        world.run(1000)
      }
      world.run(30 * 60_000)
      for (let i = 0; i < 12; i++) {
        const { coordinator } = world.members.get(testPeer(i)) as ClusterMember
        expect(coordinator, `${name}: ${i}`).to.be.a('string')
        if (knows(i) && testPeer(i) !== failing) {
          expect(coordinator, `${name}: ${i}`).to.not.equal(failing)
        }
      }
    }
  })

  it('says once that it is there, and nothing more while nothing happens, but for leases', () => {
    const world = worldOf(12)
    world.run(60_000)
    world.published.length = 0
    world.run(60 * 60_000)
    expect(world.published.filter(({ isLease }) => !isLease)).to.deep.equal([])
    expect(world.published.length).to.be.within(12, 30)
  })

  it('goes on within 60 s when its coordinator is killed, with all that was known', () => {
    const world = worldOf(20)
    world.run(60_000)
    const [coordinator] = world.coordinators()
    world.kill(coordinator as string)
    world.run(60_000)
    const [next, ...others] = world.coordinators()
    expect(others).to.deep.equal([])
    expect(next).to.not.equal(coordinator)
    expect([...world.members.values()].every(({ memberCount }) => memberCount === 19)).to.equal(true)
    expect(world.members.get(next as string)?.where('common', world.nowMs)?.[0]).to.include({ free: 38, providers: 19 })
  })

  it('gives its seat back when it leaves', () => {
    const world = worldOf(8)
    world.run(60_000)
    const [coordinator] = world.coordinators()
    world.members.get(coordinator as string)?.onLeave(world.nowMs)
    world.run(1)
    world.kill(coordinator as string)
    world.run(5000)
    expect(world.coordinators()).to.have.length(1)
    expect(world.coordinators()).to.not.include(coordinator)
  })

  it('divides into clusters that are not too large, and each still knows what all have', () => {
    const world = worldOf(40, { bounds: { minPeers: 2, maxPeers: 10 } })
    world.run(15 * 60_000)
    const clusters = Map.groupBy(world.members.values(), ({ scope }) => scope)
    expect(clusters.size).to.be.at.least(4)
    for (const members of clusters.values()) {
      expect(members.length).to.be.at.most(10)
      for (const member of members) {
        expect(member.memberCount).to.equal(members.length)
        const where = world.members.get(member.coordinator as string)?.where('common', world.nowMs)
        expect(where).to.deep.equal([{ region: 'eu-west', providers: 40, free: 80, exact: true }])
      }
    }
  })

  it('joins with others when its cluster has become too small', () => {
    const world = worldOf(40, { bounds: { minPeers: 4, maxPeers: 10 } })
    world.run(15 * 60_000)
    const scopes = (): number => new Set([...world.members.values()].map(({ scope }) => scope)).size
    const before = scopes()
    for (const peer of [...world.members.keys()].slice(8)) {
      world.kill(peer)
      world.run(1000)
    }
    world.run(40 * 60_000)
    expect(before).to.be.at.least(4)
    expect(scopes()).to.be.at.most(2)
    for (const { coordinator } of world.members.values()) {
      expect(world.members.get(coordinator as string)?.where('common', world.nowMs)?.[0]?.free).to.equal(16)
    }
  })

  it('goes to the cluster of another zone when it is nearer to that, and is missed in none', () => {
    const world = worldOf(10)
    world.run(60_000)
    const [mover] = [...world.members.values()] as [ClusterMember]
    mover.onZone('north', world.nowMs)
    world.run(60_000)
    expect(mover.scope).to.equal('eu-west/north/')
    expect([...world.members.values()].filter(member => member !== mover).every(({ memberCount }) => memberCount === 9)).to.equal(true)
    const free = world.members.get(mover.coordinator as string)?.where('common', world.nowMs + 60_000)
    world.run(5 * 60_000)
    expect(free?.[0]?.free).to.be.within(2, 22)
    expect(mover.where('common', world.nowMs)?.[0]?.free).to.equal(20)
  })

  it('answers one that says that it is gone, once a minute at most', () => {
    const world = worldOf(4)
    world.run(60_000)
    const [[victim, member], [liar]] = [...world.members] as Array<[string, ClusterMember]>
    const topic = member.topics[0] as string
    world.published.length = 0
    for (let i = 0; i < 10; i++) {
      const bytes = encodeNotice({ type: 'gone', peers: [{ peer: victim, seq: Math.floor(world.nowMs / 1000) + 60 }] })
      for (const other of world.members.values()) {
        if (other.verdict(topic, liar, bytes, world.nowMs) === 'accept') {
          other.onNotice(topic, liar, bytes, world.nowMs)
        }
      }
      world.run(3000)
    }
    expect(world.published.filter(({ peer, isLease }) => peer === victim && !isLease).length).to.be.within(1, 2)
    world.run(60_000)
    expect([...world.members.values()].every(other => other.hasMember(victim))).to.equal(true)
  })

  it('does not pass on what no member says', () => {
    const world = worldOf(3, { bounds: { minPeers: 1, maxPeers: 1 } })
    world.run(60_000)
    const [[, member], [stranger]] = [...world.members] as Array<[string, ClusterMember]>
    const topic = member.topics[0] as string
    const verdict = (bytes: Uint8Array): string => member.verdict(topic, stranger, bytes, world.nowMs)
    const seq = Math.floor(world.nowMs / 1000)
    expect(verdict(Uint8Array.of(1, 2, 3))).to.equal('reject')
    expect(verdict(encodeNotice({ type: 'presence', seq, weight: 1 }))).to.equal('reject') // of another cluster, by its id
    expect(verdict(encodeNotice({ type: 'gone', peers: [{ peer: testPeer(9), seq }] }))).to.equal('ignore')
    expect(member.verdict('another topic', stranger, encodeNotice({ type: 'presence', seq, weight: 1 }), world.nowMs)).to.equal('ignore')
  })
})
