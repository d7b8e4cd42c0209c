import { expect } from 'chai'
import fc from 'fast-check'
import { Fanout } from '../src/index.ts'
import type { FanoutEffect, FanoutInit, PlayerSession } from '../src/index.ts'

const STALE_MS = 3_000

/** A fan-out, and what each player got. `blocked` players take none. */
class World {
  readonly got = new Map<PlayerSession, number[]>()
  readonly blocked = new Set<PlayerSession>()
  readonly fanout: Fanout

  constructor (init: FanoutInit = {}) {
    this.fanout = new Fanout({ staleAfterMs: STALE_MS, ...init }, {
      toPlayer: (session, packet) => {
        if (this.blocked.has(session)) {
          return false
        }
        this.got.set(session, [...this.got.get(session) ?? [], packet[0] as number])
        return true
      }
    })
  }

  effects (): FanoutEffect[] {
    const effects: FanoutEffect[] = []
    for (let effect = this.fanout.poll(); effect !== undefined; effect = this.fanout.poll()) {
      effects.push(effect)
    }
    return effects
  }
}

describe('a fan-out', () => {
  it('hands each packet to all who play, in order, and to nobody else', () => {
    const world = new World()
    const publication = world.fanout.onPublisher('live_a', 0)
    const players = ['play_1', 'play_2', 'play_2'].map(player => world.fanout.onPlayer(player, 'live_a', 0))
    const stranger = world.fanout.onPlayer('play_9', 'live_b', 0)
    for (const number of [1, 2, 3]) {
      world.fanout.onPacket(publication, Uint8Array.of(number), number)
    }

    expect(players.map(player => world.got.get(player))).to.deep.equal([[1, 2, 3], [1, 2, 3], [1, 2, 3]])
    expect(world.got.has(stranger)).to.equal(false)
  })

  it('counts what comes in, goes out, and is left out for one that is too slow', () => {
    const world = new World({ maxQueuePackets: 2 })
    const publication = world.fanout.onPublisher('live_a', 0)
    const [, slow] = ['play_1', 'play_2'].map(player => world.fanout.onPlayer(player, 'live_a', 0))
    world.blocked.add(slow as PlayerSession)
    for (const number of [1, 2, 3, 4, 5]) {
      world.fanout.onPacket(publication, new Uint8Array(100).fill(number), number)
    }
    expect(world.fanout.counters).to.deep.equal({
      publishers: 1, players: 2, receivedPackets: 5, receivedBytes: 500, sentPackets: 5, sentBytes: 500, droppedPackets: 3, droppedBytes: 300
    })
  })

  it('lets players wait for a publisher, and stay from one to the next', () => {
    const world = new World()
    const player = world.fanout.onPlayer('play_1', 'live_a', 0)
    const first = world.fanout.onPublisher('live_a', 0)
    world.fanout.onPacket(first, Uint8Array.of(1), 0)
    world.fanout.onPublisherClosed(first)
    const second = world.fanout.onPublisher('live_a', 100)
    world.fanout.onPacket(second, Uint8Array.of(2), 100)

    expect(world.got.get(player)).to.deep.equal([1, 2])
    expect(world.effects()).to.deep.equal([])
  })

  it('drops the oldest packets of a player that takes none, counts them, and lets no other wait', () => {
    const world = new World({ maxQueuePackets: 3 })
    const publication = world.fanout.onPublisher('live_a', 0)
    const [slow, fast] = ['play_1', 'play_2'].map(player => world.fanout.onPlayer(player, 'live_a', 0)) as [PlayerSession, PlayerSession]
    world.blocked.add(slow)
    for (let number = 1; number <= 8; number++) {
      world.fanout.onPacket(publication, Uint8Array.of(number), number)
    }

    expect(world.got.get(fast)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8])
    expect(world.got.has(slow)).to.equal(false)
    expect(slow.queue.droppedPackets).to.equal(5)

    world.blocked.delete(slow)
    world.fanout.onWritable(slow)
    world.fanout.onPacket(publication, Uint8Array.of(9), 9)
    expect(world.got.get(slow)).to.deep.equal([6, 7, 8, 9])
  })

  it('gives every player, however others behave, what it would have got alone', () => {
    const steps = fc.array(fc.oneof(
      fc.record({ what: fc.constant('packet' as const) }),
      fc.record({ what: fc.constantFrom('block' as const, 'unblock' as const), who: fc.nat(3) })
    ), { maxLength: 120 })
    fc.assert(fc.property(fc.integer({ min: 1, max: 5 }), steps, (maxQueuePackets, taken) => {
      const together = play(maxQueuePackets, taken, [0, 1, 2, 3])
      for (const who of [0, 1, 2, 3]) {
        expect(together[who]).to.deep.equal(play(maxQueuePackets, taken, [who])[0])
      }
    }))
  })

  it('bounds who is let in', () => {
    const world = new World({ maxPublishers: 1, maxPlayers: 3, maxPlayersPerPublisher: 2 })
    world.fanout.onPublisher('live_a', 0)
    expect(world.fanout.publisherVerdict('live_b', 0)).to.equal('too-many')

    world.fanout.onPlayer('play_1', 'live_a', 0)
    world.fanout.onPlayer('play_1', 'live_a', 0)
    expect(world.fanout.playerVerdict('live_a')).to.equal('too-many')
    expect(world.fanout.playerVerdict('live_b')).to.equal('free')
    const third = world.fanout.onPlayer('play_2', 'live_b', 0)
    expect(world.fanout.playerVerdict('live_b')).to.equal('too-many')
    const late = world.fanout.onPlayer('play_2', 'live_b', 0)
    expect(world.effects()).to.deep.equal([{ type: 'close-player', session: late, reason: 'too-many' }])

    world.fanout.onPlayerClosed(late)
    world.fanout.onPlayerClosed(third)
    world.fanout.onPlayerClosed(third)
    expect(world.fanout.playerCount).to.equal(2)
    expect(world.fanout.playerVerdict('live_b')).to.equal('free')
  })

  describe('with a publisher that is there already', () => {
    it('keeps a newer one out while the older one sends', () => {
      const world = new World()
      const first = world.fanout.onPublisher('live_a', 0)
      world.fanout.onPacket(first, Uint8Array.of(1), 1_000)

      expect(world.fanout.publisherVerdict('live_a', 1_000 + STALE_MS - 1)).to.equal('in-use')
      const second = world.fanout.onPublisher('live_a', 1_000 + STALE_MS - 1)
      expect(world.effects()).to.deep.equal([{ type: 'close-publisher', publication: second, reason: 'in-use' }])
      expect(world.fanout.publicationOf('live_a')).to.equal(first)
      world.fanout.onPublisherClosed(second)
      expect(world.fanout.publicationOf('live_a')).to.equal(first)
    })

    it('lets a newer one take over when the older one has been silent', () => {
      const world = new World()
      const player = world.fanout.onPlayer('play_1', 'live_a', 0)
      const first = world.fanout.onPublisher('live_a', 0)
      world.fanout.onPacket(first, Uint8Array.of(1), 1_000)

      expect(world.fanout.publisherVerdict('live_a', 1_000 + STALE_MS)).to.equal('free')
      const second = world.fanout.onPublisher('live_a', 1_000 + STALE_MS)
      expect(world.effects()).to.deep.equal([{ type: 'close-publisher', publication: first, reason: 'taken-over' }])
      world.fanout.onPacket(first, Uint8Array.of(2), 5_000) // what was still under way
      world.fanout.onPacket(second, Uint8Array.of(3), 5_000)
      world.fanout.onPublisherClosed(first)
      expect(world.got.get(player)).to.deep.equal([1, 3])
      expect(world.fanout.publicationOf('live_a')).to.equal(second)
    })

    it('gives one that never sent a packet as much time', () => {
      const world = new World()
      world.fanout.onPublisher('live_a', 500)

      expect(world.fanout.publisherVerdict('live_a', 500 + STALE_MS - 1)).to.equal('in-use')
      expect(world.fanout.publisherVerdict('live_a', 500 + STALE_MS)).to.equal('free')
    })

    it('tells once that it has gone silent, and once that it is back', () => {
      const world = new World()
      const publication = world.fanout.onPublisher('live_a', 0)
      for (let atMs = 0; atMs < 10_000;) {
        atMs = world.fanout.nextTimeoutMs() as number
        world.fanout.onTimeout(atMs)
      }
      expect(world.effects()).to.deep.equal([{ type: 'publisher-stale', publication }])
      world.fanout.onPacket(publication, Uint8Array.of(1), 10_000)
      world.fanout.onPacket(publication, Uint8Array.of(2), 10_000)
      expect(world.effects()).to.deep.equal([{ type: 'publisher-back', publication }])
    })

    it('wants no timer when nobody publishes', () => {
      const world = new World()
      expect(world.fanout.nextTimeoutMs()).to.equal(undefined)
      world.fanout.onPublisherClosed(world.fanout.onPublisher('live_a', 0))
      world.fanout.onTimeout(world.fanout.nextTimeoutMs() as number)
      expect(world.fanout.nextTimeoutMs()).to.equal(undefined)
    })
  })

  it('closes who uses a stream id that was taken back', () => {
    const world = new World()
    const publication = world.fanout.onPublisher('live_a', 0)
    const [one, two] = ['play_1', 'play_2'].map(player => world.fanout.onPlayer(player, 'live_a', 0))

    world.fanout.onRevoked('play_1', 'live_a', true)
    expect(world.effects()).to.deep.equal([{ type: 'close-player', session: one, reason: 'revoked' }])
    world.fanout.onRevoked('play_2', 'live_a', false)
    expect(world.effects()).to.deep.equal([
      { type: 'close-player', session: two, reason: 'revoked' },
      { type: 'close-publisher', publication, reason: 'revoked' }
    ])
  })
})

type Step = { what: 'packet' } | { what: 'block' | 'unblock', who: number }

/** What each of `players` got of a stream whose packets are numbered; the steps of others are left out. */
function play (maxQueuePackets: number, steps: Step[], players: number[]): number[][] {
  const world = new World({ maxQueuePackets })
  const publication = world.fanout.onPublisher('live_a', 0)
  const sessions = new Map(players.map(who => [who, world.fanout.onPlayer(`play_${who}`, 'live_a', 0)]))
  let number = 0
  for (const step of steps) {
    if (step.what === 'packet') {
      world.fanout.onPacket(publication, Uint8Array.of(number++), 0)
      continue
    }
    const session = sessions.get(step.who)
    if (session !== undefined && step.what === 'block') {
      world.blocked.add(session)
    } else if (session !== undefined) {
      world.blocked.delete(session)
      world.fanout.onWritable(session)
    }
  }
  return players.map(who => world.got.get(sessions.get(who) as PlayerSession) ?? [])
}
