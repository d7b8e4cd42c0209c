import { expect } from 'chai'
import { isToBeLeft, moveRefusal } from '@skein/fleet'
import { sessionRecord } from '../records.ts'
import type { SessionRecord } from '@skein/fleet'

const HOUR_MS = 3_600_000
const NOW_MS = 100 * HOUR_MS
const PLACE = { instanceId: 'a', region: 'us-central', ingestHost: 'h', ingestPort: 1, playHost: 'h', playPort: 2 }
const ACTIVE = sessionRecord('s', { state: 'active', place: PLACE })
const hoursAgo = (...hours: number[]): number[] => hours.map(ago => NOW_MS - ago * HOUR_MS)

describe('A move to another region', () => {
  const CASES: Array<[what: string, session: SessionRecord, region: string, moves: number[], refusal: object | undefined]> = [
    ['is allowed the first time', ACTIVE, 'eu-west', [], undefined],
    ['is not allowed before there is a relay', sessionRecord('s'), 'eu-west', [], { reason: 'not_active' }],
    ['is not allowed when it is over', sessionRecord('s', { state: 'ended' }), 'eu-west', [], { reason: 'not_active' }],
    ['is none to where it is', ACTIVE, 'us-central', [], { reason: 'same_region' }],
    ['is not allowed during another', { ...ACTIVE, move: { region: 'x', startedMs: 0, steps: [] } }, 'eu-west', [], { reason: 'moving' }],
    ['is not allowed within the hour', ACTIVE, 'eu-west', hoursAgo(0.75), { reason: 'cool_down', retryAfterMs: HOUR_MS / 4 }],
    ['is allowed after an hour', ACTIVE, 'eu-west', hoursAgo(1), undefined],
    ['is allowed a sixth time in a day', ACTIVE, 'eu-west', hoursAgo(30, 20, 10, 8, 6, 2), undefined],
    ['is not allowed a seventh time in a day', ACTIVE, 'eu-west', hoursAgo(23, 20, 10, 8, 6, 2), { reason: 'daily_limit', retryAfterMs: HOUR_MS }]
  ]
  for (const [what, session, region, moves, refusal] of CASES) {
    it(what, () => { expect(moveRefusal(session, region, moves, NOW_MS)).to.deep.equal(refusal) })
  }

  it('leaves the old place after two minutes, and one that it did not come to at once', () => {
    const moved = { ...ACTIVE, movedMs: NOW_MS }
    expect(isToBeLeft('left', moved, NOW_MS + 119_999, 120_000)).to.equal(false)
    expect(isToBeLeft('left', moved, NOW_MS + 120_000, 120_000)).to.equal(true)
    expect(isToBeLeft('next', moved, NOW_MS, 120_000)).to.equal(true)
    expect(isToBeLeft('next', { ...moved, move: { region: 'x', startedMs: 0, steps: [] } }, NOW_MS, 120_000)).to.equal(false)
    expect(isToBeLeft('left', { ...moved, state: 'releasing' }, NOW_MS + HOUR_MS, 120_000)).to.equal(false)
  })
})
