import { expect } from 'chai'
import { SessionHold } from '../src/index.ts'
import type { HoldEffect } from '../src/index.ts'
import type { SessionLease } from '@skein/records'

const NOW_MS = 1_790_000_000_000
const LEASE_MS = 300_000

/** A client whose super-nodes a test plays. */
class Scene {
  readonly hold = new SessionHold()
  holders = ['a', 'b', 'c']
  nowMs = NOW_MS
  /** What was asked and is not answered, and what was told, in words */
  asked: Array<Extract<HoldEffect, { type: 'ask' }>> = []
  told: string[] = []

  constructor () {
    this.hold.onWanted(this.nowMs)
    this.drain()
  }

  advance (ms: number): void {
    const untilMs = this.nowMs + ms
    for (let next = this.hold.nextTimeoutMs(); next !== undefined && next <= untilMs; next = this.hold.nextTimeoutMs()) {
      this.nowMs = Math.max(this.nowMs, next)
      const before = this.told.length + this.asked.length
      this.hold.onTimeout(this.nowMs)
      this.drain()
      if (this.told.length + this.asked.length === before && this.hold.nextTimeoutMs() === next) {
        throw new Error('The machine asks for a time and does nothing at it')
      }
    }
    this.nowMs = untilMs
  }

  /** In words, `take a`. */
  get open (): string[] {
    return this.asked.map(({ action, holder }) => `${action} ${holder}`)
  }

  grant (what: string, leaving = false): void {
    const { action, holder, fence } = this.take(what)
    this.hold.onAnswer(action, holder, fence, action === 'give' ? undefined : { lease: this.lease(holder, fence), leaving, sentMs: this.nowMs }, this.nowMs)
    this.drain()
  }

  refuse (what: string, refusal: Parameters<SessionHold['onRefused']>[3], retryAfterMs?: number): void {
    const { action, holder, fence } = this.take(what)
    this.hold.onRefused(action, holder, fence, refusal, retryAfterMs, this.nowMs)
    this.drain()
  }

  silence (what: string): void {
    const { action, holder, fence } = this.take(what)
    this.hold.onUnanswered(action, holder, fence, this.nowMs)
    this.drain()
  }

  disconnect (holder: string): void {
    this.hold.onDisconnected(holder, this.nowMs)
    this.drain()
  }

  unwant (): void {
    this.hold.onUnwanted(this.nowMs)
    this.drain()
  }

  private lease (holder: string, fence: number): SessionLease {
    const place = { region: 'eu-west', ingestHost: holder, ingestPort: 1, playHost: holder, playPort: 2 }
    return { holder, session: 's', owner: 'ann', fence, seat: { term: 1, fence: 1 }, place, issuedAtMs: this.nowMs, expiresAtMs: this.nowMs + LEASE_MS }
  }

  private take (what: string): Extract<HoldEffect, { type: 'ask' }> {
    const at = this.asked.findIndex(({ action, holder }) => `${action} ${holder}` === what)
    expect(at, `${what} among ${this.open.join(', ')}`).to.be.at.least(0)
    return this.asked.splice(at, 1)[0] as Extract<HoldEffect, { type: 'ask' }>
  }

  private drain (): void {
    for (let effect = this.hold.poll(); effect !== undefined; effect = this.hold.poll()) {
      switch (effect.type) {
        case 'choose':
          this.hold.onHolders(this.holders, this.nowMs)
          break
        case 'ask':
          this.asked.push(effect)
          break
        case 'placed':
          this.told.push(`placed at ${effect.lease.holder}${effect.from === undefined ? '' : ` from ${effect.from}`}`)
          break
        case 'lost':
          this.told.push(`lost at ${effect.holder}: ${effect.why}`)
          break
        case 'starved':
          this.told.push(`starved: ${effect.refusals.map(({ holder, why }) => `${holder} ${why}`).join(', ')}`)
          break
        case 'renewed':
          break
      }
    }
  }
}

describe('A session that is held', () => {
  it('takes a place at the first, and renews it every 30 s', () => {
    const scene = new Scene()
    expect(scene.open).to.deep.equal(['take a'])
    scene.grant('take a')
    expect(scene.told).to.deep.equal(['placed at a'])
    scene.advance(29_999)
    expect(scene.open).to.deep.equal([])
    scene.advance(1)
    expect(scene.open).to.deep.equal(['renew a'])
  })

  it('goes on to the next when one is full, and to the one after when that does not answer: which is told not to take it after all', () => {
    const scene = new Scene()
    scene.refuse('take a', 'full')
    scene.silence('take b')
    expect(scene.open.sort()).to.deep.equal(['give b', 'take c'])
    scene.grant('take c')
    scene.grant('give b')
    expect(scene.told).to.deep.equal(['placed at c'])
  })

  it('tells why nobody takes it, tries again more and more seldom, and takes a place that is free then', () => {
    const scene = new Scene()
    scene.refuse('take a', 'full', 10_000)
    scene.refuse('take b', 'too_many')
    scene.refuse('take c', 'unsupported')
    expect(scene.told).to.deep.equal(['starved: a full, b too_many, c unsupported'])
    scene.advance(9_000)
    expect(scene.told.length).to.be.within(4, 6)
    expect(scene.open).to.deep.equal([])
    scene.advance(8_000)
    expect(scene.open).to.deep.equal(['take a'])
  })

  it('moves from one that leaves: the new place is there before the old one is given back, two minutes later', () => {
    const scene = new Scene()
    scene.grant('take a')
    scene.advance(30_000)
    scene.grant('renew a', true)
    expect(scene.open).to.deep.equal(['take b'])
    expect(scene.hold.current?.holder).to.equal('a')
    scene.grant('take b')
    expect(scene.told.at(-1)).to.equal('placed at b from a')
    for (let i = 0; i < 3; i++) {
      scene.advance(30_000)
      expect(scene.open.sort()).to.deep.equal(['renew a', 'renew b'])
      scene.grant('renew a', true)
      scene.grant('renew b')
    }
    scene.advance(30_000)
    expect(scene.open).to.include('give a')
  })

  it('moves from one whose connection ended and that does not answer', () => {
    const scene = new Scene()
    scene.grant('take a')
    scene.advance(10_000)
    scene.disconnect('a')
    expect(scene.open).to.deep.equal(['renew a'])
    scene.silence('renew a')
    expect(scene.open).to.deep.equal(['take b'])
    scene.grant('take b')
    expect(scene.told.at(-1)).to.equal('placed at b from a')
    expect(scene.open).to.deep.equal(['give a'])
  })

  it('stays where it is when a connection ended and the super-node answers', () => {
    const scene = new Scene()
    scene.grant('take a')
    scene.disconnect('a')
    scene.grant('renew a')
    expect(scene.open).to.deep.equal([])
    expect(scene.hold.current?.holder).to.equal('a')
  })

  it('stays when one answer was lost, and gives the new place back when the old one answers again', () => {
    const scene = new Scene()
    scene.grant('take a')
    scene.advance(30_000)
    scene.silence('renew a')
    expect(scene.open).to.deep.equal([])
    scene.advance(5_000)
    scene.silence('renew a')
    expect(scene.open).to.deep.equal(['take b'])
    scene.advance(5_000)
    scene.grant('renew a')
    scene.grant('take b')
    expect(scene.open).to.deep.equal(['give b'])
    expect(scene.told).to.deep.equal(['placed at a'])
  })

  it('comes back to one that was started again and has forgotten it', () => {
    const scene = new Scene()
    scene.grant('take a')
    scene.advance(30_000)
    scene.refuse('renew a', 'unknown')
    expect(scene.told.at(-1)).to.equal('lost at a: unknown')
    expect(scene.open).to.deep.equal(['take a'])
  })

  it('leaves it to another process that has taken it', () => {
    const scene = new Scene()
    scene.grant('take a')
    scene.advance(30_000)
    scene.refuse('renew a', 'stale_fence')
    expect(scene.told.at(-1)).to.equal('lost at a: overtaken')
    scene.advance(600_000)
    expect(scene.open).to.deep.equal([])
    expect(scene.hold.isIdle).to.equal(true)
  })

  it('is lost when nobody answers until its lease ends, and looked for again', () => {
    const scene = new Scene()
    scene.holders = ['a']
    scene.grant('take a')
    while (scene.nowMs < NOW_MS + LEASE_MS) {
      scene.advance(1_000)
      if (scene.open.includes('renew a')) {
        scene.silence('renew a')
      }
    }
    expect(scene.told).to.include('lost at a: expired')
    expect(scene.hold.current).to.equal(undefined)
    scene.advance(20_000)
    expect(scene.open).to.deep.equal(['take a'])
  })

  it('is given back when it is over, tried three times at most', () => {
    const scene = new Scene()
    scene.grant('take a')
    scene.unwant()
    for (let i = 0; i < 3; i++) {
      expect(scene.open).to.deep.equal(['give a'])
      expect(scene.hold.isIdle).to.equal(false)
      scene.silence('give a')
      scene.advance(5_000)
    }
    expect(scene.open).to.deep.equal([])
    expect(scene.hold.isIdle).to.equal(true)
  })

  it('is given back also when its place comes after it is over', () => {
    const scene = new Scene()
    scene.unwant()
    scene.grant('take a')
    expect(scene.open).to.deep.equal(['give a'])
    scene.grant('give a')
    expect(scene.hold.isIdle).to.equal(true)
    expect(scene.told).to.deep.equal([])
  })

  it('takes each place under a greater number, also after a restart', () => {
    const scene = new Scene()
    const [first] = scene.asked
    scene.refuse('take a', 'full')
    expect(scene.asked[0]?.fence).to.be.greaterThan(first?.fence as number)
    const later = new SessionHold()
    later.onWanted(NOW_MS + 1_000)
    later.poll()
    later.onHolders(['a'], NOW_MS + 1_000)
    expect(later.poll()).to.deep.include({ type: 'ask', fence: NOW_MS + 1_000 })
  })
})
