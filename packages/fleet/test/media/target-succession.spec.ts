import { expect } from 'chai'
import { MAX_TARGETS, TargetSuccession } from '../../src/media/target-succession.ts'
import type { StreamTarget } from '../../src/media/stream-target.ts'

const OVERLAP_MS = 10_000

function target (instanceId: string): StreamTarget {
  return { instanceId, region: 'eu-west', host: '192.0.2.1', port: 5_000, streamId: 'live_x' }
}

describe('the targets that a stream has connections to', () => {
  const [a, b] = [target('a'), target('b')]
  let succession: TargetSuccession

  beforeEach(() => { succession = new TargetSuccession({ overlapMs: OVERLAP_MS }) })

  function effects (): string[] {
    const told: string[] = []
    for (let effect = succession.poll(); effect !== undefined; effect = succession.poll()) {
      told.push(`${effect.type} ${effect.target.instanceId}`)
    }
    return told
  }

  it('leaves the one before when the new one has done its work for a while, and not before', () => {
    succession.onTarget(a, 0)
    succession.onServing(a, 10)
    succession.onTarget(b, 1_000)
    expect(effects()).to.deep.equal(['open a', 'open b'])
    succession.onTimeout(60_000)
    expect(effects()).to.deep.equal([])
    succession.onServing(b, 61_000)
    expect(succession.nextTimeoutMs()).to.equal(61_000 + OVERLAP_MS)
    succession.onTimeout(61_000 + OVERLAP_MS)
    expect(effects()).to.deep.equal(['close a'])
    expect(succession.nextTimeoutMs()).to.equal(undefined)
  })

  it('keeps the one before when the new one fails, and tries that again, later each time', () => {
    succession.onTarget(a, 0)
    succession.onServing(a, 0)
    succession.onTarget(b, 0)
    succession.onServing(b, 0)
    effects()
    const waits: number[] = []
    let nowMs = 100
    for (let tries = 0; tries < 7; tries++) {
      succession.onEnded(b, nowMs)
      const atMs = succession.nextTimeoutMs() as number
      waits.push(atMs - nowMs)
      nowMs = atMs
      succession.onTimeout(nowMs)
      expect(effects()).to.deep.equal(['open b'])
    }
    expect(waits).to.deep.equal([500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000])
  })

  it('goes back to one that it has not left yet', () => {
    succession.onTarget(a, 0)
    succession.onServing(a, 0)
    succession.onTarget(b, 0)
    succession.onServing(b, 0)
    succession.onTarget(a, 5_000)
    expect(effects()).to.deep.equal(['open a', 'open b'])
    succession.onTimeout(5_000 + OVERLAP_MS)
    expect(effects()).to.deep.equal(['close b'])
  })

  it('forgets one that ended by itself after it was left', () => {
    succession.onTarget(a, 0)
    succession.onTarget(b, 0)
    succession.onServing(b, 0)
    succession.onEnded(a, 100)
    effects()
    expect(succession.nextTimeoutMs()).to.equal(undefined)
  })

  it(`has ${MAX_TARGETS} at once, and leaves the oldest at more`, () => {
    for (const id of ['a', 'b', 'c', 'd']) {
      succession.onTarget(target(id), 0)
    }
    expect(effects()).to.deep.equal(['open a', 'open b', 'open c', 'close a', 'open d'])
  })

  it('closes all when nothing is wanted any more', () => {
    succession.onTarget(a, 0)
    succession.onTarget(b, 0)
    effects()
    succession.onOver()
    expect(effects()).to.deep.equal(['close a', 'close b'])
  })
})
