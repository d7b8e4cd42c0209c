import { expect } from 'chai'
import { ManualClock } from '@skein/core'
import { PathScout } from '../../src/paths/path-scout.ts'
import { offerOf } from '../offer-of.ts'
import type { PathScoutInit } from '../../src/paths/path-scout.ts'

const PEERS = [
  '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp', '12D3KooWHFKTMzwerBtsVmtz4ZZEQy2heafxzWw6wNn5PPYkBxJ5',
  '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
]

class Scouted {
  readonly clock = new ManualClock(1_000)
  readonly asked: string[] = []
  readonly stood: string[] = []
  readonly scout: PathScout
  private readonly ends = new Map<string, PromiseWithResolvers<void>>()

  constructor (changes: Partial<PathScoutInit> = {}) {
    this.scout = new PathScout({
      libp2p: { getConnections: () => [] },
      clock: this.clock,
      isKnown: () => false,
      connect: async ({ peer }, signal) => {
        this.asked.push(peer)
        const end = Promise.withResolvers<void>()
        this.ends.set(peer, end)
        signal.addEventListener('abort', () => { end.reject(signal.reason) }, { once: true })
        await end.promise
      },
      onConnected: peer => { this.stood.push(peer) },
      ...changes
    })
  }

  relayed (): this {
    this.scout.onRelayed(PEERS.map(peer => offerOf({ peer })))
    return this
  }

  async end (peer: string, error?: Error): Promise<void> {
    const end = this.ends.get(peer)
    if (error === undefined) {
      end?.resolve()
    } else {
      end?.reject(error)
    }
    await new Promise(resolve => setImmediate(resolve))
  }
}

describe('a scout for better paths', () => {
  const [a = '', b = '', c = ''] = PEERS

  it('connects two others at once after a relayed answer, and the next after another, each once at a time', async () => {
    const scouted = new Scouted().relayed().relayed()
    expect(scouted.asked).to.deep.equal([a, b])
    await scouted.end(a)
    expect(scouted.stood).to.deep.equal([a])
    scouted.relayed()
    expect(scouted.asked).to.deep.equal([a, b, a])
  })

  it('looks for nobody whom it knows the way to, or who is connected', () => {
    const scouted = new Scouted({ isKnown: peer => peer === a, libp2p: { getConnections: id => id?.toString() === b ? [{} as never] : [] } }).relayed()
    expect(scouted.asked).to.deep.equal([c])
  })

  it('is quiet about one that cannot be reached, gives up after ten seconds, and stops', async () => {
    const scouted = new Scouted().relayed()
    await scouted.end(a, new Error('nobody there'))
    scouted.clock.advance(10_000)
    await scouted.end(c)
    expect(scouted.stood).to.deep.equal([])
    scouted.relayed()
    expect(scouted.asked).to.deep.equal([a, b, a, b])
    scouted.scout.stop()
    await scouted.end(c)
    expect(scouted.stood).to.deep.equal([])
  })
})
