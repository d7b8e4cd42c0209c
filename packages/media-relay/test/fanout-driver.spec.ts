import { ManualClock } from '@skein/core'
import { expect } from 'chai'
import { FanoutDriver, StreamTable } from '../src/index.ts'
import type { Carriage, CarriageVerdict } from '../src/index.ts'

/** Carries so many bytes, and says what it was asked. */
class Quota implements Carriage {
  isGiving = true
  verdict: CarriageVerdict = 'pass'
  readonly calls: string[] = []

  isOpen (): boolean {
    return this.isGiving
  }

  onJoined (who: string): boolean {
    this.calls.push(`joined ${who}`)
    return this.isGiving
  }

  onLeft (): void {
    this.calls.push('left')
  }

  onReceived (bytes: number): CarriageVerdict {
    this.calls.push(`in ${bytes}`)
    return this.verdict
  }

  onSend (bytes: number, isOfMesh: boolean): CarriageVerdict {
    this.calls.push(`out ${bytes}${isOfMesh ? ' by mesh' : ''}`)
    return this.verdict
  }
}

describe('a fan-out within somebody\'s quota', () => {
  let quota: Quota
  let driver: FanoutDriver
  let got: number[]
  let closed: string[]

  beforeEach(() => {
    const streams = new StreamTable()
    streams.add({ publisher: 'live_a', player: 'play_a', description: '' })
    quota = new Quota()
    driver = new FanoutDriver({ streams, clock: new ManualClock(), carriage: quota })
    got = []
    closed = []
  })

  const sink = (isOfMesh: boolean): Parameters<FanoutDriver['addPlayer']>[2] => ({
    isOfMesh, send: packet => got.push(packet[0] as number) > 0, close: reason => { closed.push(`player ${reason}`) }
  })
  const publish = (): ReturnType<FanoutDriver['addPublisher']> =>
    driver.addPublisher('live_a', { close: reason => { closed.push(`publisher ${reason}`) } })

  it('asks for each packet as it comes in and as it goes out, and tells who comes and goes', () => {
    const publication = publish()
    const players = [driver.addPlayer('play_a', 'live_a', sink(false)), driver.addPlayer('play_a', 'live_a', sink(true))]
    driver.onPacket(publication, Uint8Array.of(1, 2, 3))
    expect(got).to.deep.equal([1, 1])
    driver.removePlayer(players[0] as never)
    driver.removePublisher(publication)
    driver.removePublisher(publication)
    expect(quota.calls).to.deep.equal(['joined live_a', 'joined play_a', 'joined play_a', 'in 3', 'out 3', 'out 3 by mesh', 'left', 'left'])
    expect(driver.playersNow()).to.deep.equal({ srt: 0, mesh: 1 })
  })

  it('leaves packets out while it is told to, and goes on after', async () => {
    const publication = publish()
    driver.addPlayer('play_a', 'live_a', sink(false))
    for (const [number, verdict] of [[1, 'pass'], [2, 'drop'], [3, 'pass']] as const) {
      quota.verdict = verdict
      driver.onPacket(publication, Uint8Array.of(number))
    }
    await Promise.resolve()
    expect([got, closed, driver.withheldPackets]).to.deep.equal([[1, 3], [], 1])
  })

  it('ends all connections when nothing more is carried', async () => {
    const publication = publish()
    driver.addPlayer('play_a', 'live_a', sink(false))
    quota.verdict = 'stop'
    driver.onPacket(publication, Uint8Array.of(1))
    driver.onPacket(publication, Uint8Array.of(2))
    await Promise.resolve()
    expect([got, closed]).to.deep.equal([[], ['publisher limit', 'player limit']])
  })

  it('lets nobody in while nothing is given, and ends one that came in between', async () => {
    quota.isGiving = false
    expect(driver.admitPublisher('live_a')).to.deep.equal({ type: 'refuse', reason: 'overload' })
    expect(driver.admitPlayer('play_a')).to.deep.equal({ type: 'refuse', reason: 'overload' })
    expect(driver.refused).to.deep.equal({ publisher: { overload: 1 }, player: { overload: 1 } })
    const publication = publish()
    await Promise.resolve()
    expect(closed).to.deep.equal(['publisher limit'])
    driver.removePublisher(publication)
    expect(quota.calls, 'one that was not taken does not leave').to.deep.equal(['joined live_a'])
  })
})
