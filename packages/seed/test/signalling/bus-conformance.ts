/** What every bus of a fleet must do. */
import { expect } from 'chai'
import { LOCATION_LIFE_MS, MAX_LOCATIONS } from '../../src/signalling/signal-bus.ts'
import type { SignalBus } from '../../src/signalling/signal-bus.ts'

export interface BusWorld {
  bus: (seed: string) => SignalBus
  /** Lets claims grow old; left out where that takes too long */
  advance?: (ms: number) => void
}

let names = 0

export function busConformance (make: () => BusWorld): void {
  let world: BusWorld
  let peer: string
  const busses: SignalBus[] = []
  const bus = (seed: string): SignalBus => {
    const made = world.bus(seed)
    busses.push(made)
    return made
  }

  beforeEach(() => {
    world = make()
    peer = `peer-${++names}`
  })
  afterEach(async () => { await Promise.all(busses.splice(0).map(async made => { await made.stop() })) })

  it('finds nobody who was not claimed', async () => {
    expect(await bus('A').locate(peer)).to.deep.equal([])
  })

  it('lists the newest connection first, each seed once', async () => {
    const [a, b] = [bus('A'), bus('B')]
    const first = await a.claim(peer, 0)
    const second = await b.claim(peer, 0)
    expect(second).to.be.above(first)
    expect(await a.locate(peer)).to.deep.equal([{ seed: 'B', token: second }, { seed: 'A', token: first }])
    const third = await a.claim(peer, 0)
    expect(await b.locate(peer)).to.deep.equal([{ seed: 'A', token: third }, { seed: 'B', token: second }])
  })

  it('refuses to renew or release by an older token, and lets the others stand', async () => {
    const [a, b] = [bus('A'), bus('B')]
    const old = await a.claim(peer, 0)
    const token = await a.claim(peer, 0)
    const other = await b.claim(peer, 0)
    expect([await a.renew(peer, old), await a.release(peer, old), await a.renew(peer, other), await b.release(peer, token)]).to.deep.equal([false, false, false, false])
    expect([await a.renew(peer, token), await b.renew(peer, other)]).to.deep.equal([true, true])
    expect((await a.locate(peer)).map(({ seed }) => seed)).to.deep.equal(['B', 'A'])
    expect(await b.release(peer, other)).to.equal(true)
    expect(await b.release(peer, other)).to.equal(false)
    expect(await b.locate(peer)).to.deep.equal([{ seed: 'A', token }])
  })

  it('never gives a token below the floor, nor one twice', async () => {
    const a = bus('A')
    const floor = Date.now() * 1_000 + 60_000_000_000
    const token = await a.claim(peer, floor)
    expect(token).to.equal(floor)
    const tokens = [token]
    for (let i = 0; i < 20; i++) {
      tokens.push(await bus(`${i % 3}`).claim(peer, 0))
    }
    expect(tokens).to.deep.equal([...new Set(tokens)].sort((x, y) => x - y))
    expect(Number.isSafeInteger(tokens.at(-1))).to.equal(true)
  })

  it(`keeps ${MAX_LOCATIONS} seeds of a peer, the newest`, async () => {
    for (let i = 0; i < MAX_LOCATIONS + 2; i++) {
      await bus(`seed ${i}`).claim(peer, 0)
    }
    expect((await bus('A').locate(peer)).map(({ seed }) => seed)).to.deep.equal([5, 4, 3, 2].map(i => `seed ${i}`))
  })

  it('forgets claims that are not renewed', async function () {
    if (world.advance === undefined) {
      this.skip()
    }
    const [a, b] = [bus('A'), bus('B')]
    const old = await a.claim(peer, 0)
    world.advance(LOCATION_LIFE_MS - 1)
    const token = await b.claim(peer, 0)
    world.advance(1)
    expect(await a.locate(peer)).to.deep.equal([{ seed: 'B', token }])
    expect(await a.renew(peer, old)).to.equal(false)
  })

  it('passes messages to the seed that they are for, in order', async () => {
    const [a, b] = [bus(`A ${peer}`), bus(`B ${peer}`)]
    const got: number[] = []
    b.start({ onMessage: bytes => { got.push(bytes[0] as number) }, onRestored: () => {} })
    // listening begins when it can
    while (got.length === 0) {
      await a.publish(`B ${peer}`, Uint8Array.of(0))
      await new Promise(resolve => setTimeout(resolve, 10))
    }
    await Promise.all([1, 2, 3, 200, 255].map(async i => await a.publish(`B ${peer}`, Uint8Array.of(i))))
    while (got.at(-1) !== 255) {
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    expect(got.filter(i => i > 0)).to.deep.equal([1, 2, 3, 200, 255])
  })
}
