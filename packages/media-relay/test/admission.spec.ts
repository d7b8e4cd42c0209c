import { ManualClock } from '@skein/core'
import { expect } from 'chai'
import { FanoutDriver, StreamTable } from '../src/index.ts'
import type { CloseReason, Publication } from '../src/index.ts'

describe('admission to a relay', () => {
  function setUp (init: { maxPublishers?: number, maxPlayers?: number } = {}): { clock: ManualClock, streams: StreamTable, driver: FanoutDriver } {
    const clock = new ManualClock(1_000_000)
    const streams = new StreamTable()
    streams.add({ publisher: 'live_a', player: 'play_a', description: '' })
    streams.add({ publisher: 'live_b', player: 'play_b', description: '' })
    return { clock, streams, driver: new FanoutDriver({ clock, streams, ...init }) }
  }

  const PUBLISHERS: Array<[string, string, string]> = [
    ['its id', 'live_a', 'admit'],
    ['its id as a resource', '#!::r=live_a,m=publish', 'admit'],
    ['nothing', '', 'bad-request'],
    ['no id', 'camera', 'bad-request'],
    ['an id that nobody has made', 'live_z', 'not-found'],
    ['the id of a player', 'play_a', 'bad-mode'],
    ['its id, to play it', '#!::r=live_a,m=request', 'bad-mode']
  ]
  for (const [name, streamId, expected] of PUBLISHERS) {
    it(`${expected === 'admit' ? 'lets a publisher in' : `refuses a publisher as ${expected}`} with ${name}`, () => {
      const admission = setUp().driver.admitPublisher(streamId)

      expect(admission.type === 'refuse' ? admission.reason : admission).to.deep.equal(expected === 'admit' ? { type: 'admit', publisher: 'live_a' } : expected)
    })
  }

  const PLAYERS: Array<[string, string, string]> = [
    ['its id', 'play_a', 'admit'],
    ['its id as a resource', '#!::m=request,r=play_a', 'admit'],
    ['nothing', '', 'bad-request'],
    ['no id', 'play_', 'bad-request'],
    ['an id that nobody has made', 'play_z', 'not-found'],
    ['the id of a publisher', 'live_a', 'bad-mode'],
    ['its id, to publish', '#!::r=play_a,m=publish', 'bad-mode']
  ]
  for (const [name, streamId, expected] of PLAYERS) {
    it(`${expected === 'admit' ? 'lets a player in' : `refuses a player as ${expected}`} with ${name}`, () => {
      const admission = setUp().driver.admitPlayer(streamId)

      expect(admission.type === 'refuse' ? admission.reason : admission)
        .to.deep.equal(expected === 'admit' ? { type: 'admit', player: 'play_a', publisher: 'live_a' } : expected)
    })
  }

  it('refuses more than there may be as overload', () => {
    const { driver } = setUp({ maxPublishers: 1, maxPlayers: 1 })
    driver.addPublisher('live_a', { close: () => {} })
    driver.addPlayer('play_a', 'live_a', { send: () => true, close: () => {} })

    expect(driver.admitPublisher('live_b')).to.deep.equal({ type: 'refuse', reason: 'overload' })
    expect(driver.admitPlayer('play_b')).to.deep.equal({ type: 'refuse', reason: 'overload' })
  })

  it('refuses a second publisher as conflict until the first has been silent', () => {
    const { driver, clock } = setUp()
    const closed: Array<[Publication | string, CloseReason]> = []
    const first = driver.addPublisher('live_a', { close: reason => { closed.push(['first', reason]) } })
    clock.advance(2_000)
    driver.onPacket(first, Uint8Array.of(1))
    clock.advance(2_999)
    expect(driver.admitPublisher('live_a')).to.deep.equal({ type: 'refuse', reason: 'conflict' })
    driver.addPublisher('live_a', { close: reason => { closed.push(['second', reason]) } }) // shook hands before
    expect(closed).to.deep.equal([['second', 'in-use']])

    clock.advance(1)
    expect(driver.admitPublisher('live_a')).to.deep.equal({ type: 'admit', publisher: 'live_a' })
    driver.addPublisher('live_a', { close: reason => { closed.push(['third', reason]) } })
    expect(closed.slice(1)).to.deep.equal([['first', 'taken-over']])
  })

  it('tells when a publisher goes silent and comes back', () => {
    const clock = new ManualClock(0)
    const told: boolean[] = []
    const driver = new FanoutDriver({ clock, streams: new StreamTable(), onStale: (_, isStale) => { told.push(isStale) } })
    const publication = driver.addPublisher('live_a', { close: () => {} })
    clock.advance(2_900)
    expect(told).to.deep.equal([])
    clock.advance(700)
    expect(told).to.deep.equal([true])
    driver.onPacket(publication, Uint8Array.of(1))
    expect(told).to.deep.equal([true, false])
  })

  it('ends the connections of a stream id that is taken back', () => {
    const { driver, streams } = setUp()
    const closed: string[] = []
    driver.addPublisher('live_a', { close: reason => { closed.push(`publisher ${reason}`) } })
    driver.addPlayer('play_a', 'live_a', { send: () => true, close: reason => { closed.push(`player ${reason}`) } })
    const removed = streams.remove('play_a')
    driver.onRevoked(removed!)

    expect(closed).to.deep.equal(['player revoked', 'publisher revoked'])
    expect(driver.admitPlayer('play_a')).to.deep.equal({ type: 'refuse', reason: 'not-found' })
  })
})
