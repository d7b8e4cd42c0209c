import { expect } from 'chai'
import fc from 'fast-check'
import { isLive, newSession, SESSION_TIMES, transition } from '@skein/fleet'
import type { RelayPlace, SessionEvent, SessionRecord, SessionState } from '@skein/fleet'

const PLACE: RelayPlace = { instanceId: 'n', region: 'eu-west', ingestHost: 'h', ingestPort: 1, playHost: 'h', playPort: 2 }
const WANTED = { id: 's', userId: 'ann', slot: 1, name: 'k7mx2p9a', provider: 'pool' as const, region: '', streamToken: 't' }
const STATES: SessionState[] = ['provisioning', 'active', 'releasing', 'ended']

function session (state: SessionState, fields: Partial<SessionRecord> = {}): SessionRecord {
  return { ...newSession(WANTED, 0), state, workUntilMs: 0, fence: 5, ...fields }
}

function after (record: SessionRecord, event: SessionEvent, nowMs = 1_000): SessionRecord | string {
  const outcome = transition(record, event, nowMs)
  return outcome.type === 'changed' ? outcome.session : outcome.reason
}

describe('The life of a session', () => {
  it('begins provisioning, with a lease and a claim of who made it', () => {
    expect(newSession(WANTED, 7)).to.deep.include({ state: 'provisioning', fence: 1, version: 1, leaseUntilMs: 7 + SESSION_TIMES.leaseMs, workUntilMs: 7 + SESSION_TIMES.workMs })
  })

  const live = { fence: 5, leaseUntilMs: 300_000 }
  const CASES: Array<[what: string, event: SessionEvent, Record<SessionState, Partial<SessionRecord> & { work?: string } | string>]> = [
    ['a heartbeat', { type: 'renewed' }, {
      provisioning: { state: 'provisioning', leaseUntilMs: 301_000 }, active: { state: 'active', leaseUntilMs: 301_000 }, releasing: 'ended', ended: 'ended'
    }],
    ['a process that looks for work', { type: 'adopted' }, {
      provisioning: { state: 'provisioning', fence: 6, work: 'provision' }, active: 'busy', releasing: { state: 'releasing', fence: 6, work: 'release' }, ended: 'ended'
    }],
    ['the end of provisioning', { type: 'provisioned', fence: 5, place: PLACE, steps: [] }, {
      provisioning: { state: 'active', place: PLACE, workUntilMs: 0, ...live }, active: 'stale', releasing: 'stale', ended: 'stale'
    }],
    ['a failure', { type: 'failed', fence: 5, message: 'full' }, {
      provisioning: { state: 'releasing', endReason: 'failed', failure: 'full', fence: 6, work: 'release' }, active: 'stale', releasing: 'stale', ended: 'stale'
    }],
    ['a stop', { type: 'stopped' }, {
      provisioning: { state: 'releasing', endReason: 'stopped', fence: 6, work: 'release' },
      active: { state: 'releasing', endReason: 'stopped', fence: 6, work: 'release' },
      releasing: 'ended',
      ended: 'ended'
    }],
    ['the loss of its node', { type: 'displaced', fence: 5 }, {
      provisioning: 'stale', active: { state: 'provisioning', place: undefined, fence: 6, work: 'provision', leaseUntilMs: 300_000 }, releasing: 'stale', ended: 'stale'
    }],
    ['the return of its places', { type: 'released', fence: 5 }, {
      provisioning: 'stale', active: 'stale', releasing: { state: 'ended', endedMs: 1_000 }, ended: 'stale'
    }]
  ]
  for (const [what, event, expected] of CASES) {
    it(`goes on as it should at ${what}`, () => {
      for (const state of STATES) {
        const outcome = transition(session(state), event, 1_000)
        const wanted = expected[state]
        if (typeof wanted === 'string') {
          expect(outcome, state).to.deep.equal({ type: 'refused', reason: wanted })
        } else {
          const { work, ...fields } = wanted
          expect(outcome.type === 'changed' && outcome.session, state).to.deep.include(fields)
          expect(outcome.type === 'changed' && outcome.work, state).to.equal(work)
        }
      }
    })
  }

  it('is left to who works on it, until that has said nothing for a while', () => {
    const claimed = session('provisioning', { workUntilMs: 2_000 })
    expect(after(claimed, { type: 'adopted' }, 1_999)).to.equal('busy')
    expect(after(claimed, { type: 'adopted' }, 2_000)).to.include({ fence: 6 })
  })

  it('ends when its lease runs out, whoever works on it, and no heartbeat brings it back', () => {
    for (const state of ['provisioning', 'active'] as const) {
      const old = session(state, { workUntilMs: 400_000 })
      expect(after(old, { type: 'renewed' }, 299_999)).to.include({ leaseUntilMs: 599_999 })
      expect(after(old, { type: 'renewed' }, 300_000)).to.equal('expired')
      expect(after(old, { type: 'adopted' }, 300_000)).to.include({ state: 'releasing', endReason: 'expired' })
    }
  })

  it('keeps the region that was wished for when its node is emptied, and takes the one that its user moves it to', () => {
    const there = { ...PLACE, instanceId: 'm', region: 'us-west' }
    for (const evacuates of [true, undefined]) {
      const moving = after(session('active', { place: PLACE, moveFailure: 'full', moveFailedMs: 3 }), { type: 'moving', region: 'us-west', evacuates })
      expect(moving).to.deep.include({ fence: 6, place: PLACE, moveFailure: undefined, moveFailedMs: undefined })
      expect(after(moving as SessionRecord, { type: 'moved', fence: 6, place: there }))
        .to.deep.include({ place: there, region: evacuates === true ? '' : 'us-west', move: undefined })
      expect(after(moving as SessionRecord, { type: 'moveFailed', fence: 6, message: 'full' }, 2_000))
        .to.deep.include({ place: PLACE, move: undefined, moveFailure: 'full', moveFailedMs: 2_000 })
    }
  })

  it('does not listen to whom it was taken from', () => {
    for (const event of [{ type: 'stepped', fence: 4, steps: [] }, { type: 'provisioned', fence: 4, place: PLACE, steps: [] },
      { type: 'failed', fence: 4, message: '' }, { type: 'released', fence: 4 }, { type: 'displaced', fence: 6 }] as SessionEvent[]) {
      for (const state of STATES) {
        expect(after(session(state), event), `${event.type} while ${state}`).to.equal('stale')
      }
    }
  })

  it('never comes back from its end, never shortens a lease, and counts up, whatever happens', () => {
    const event = fc.record({
      type: fc.constantFrom('renewed', 'adopted', 'stepped', 'provisioned', 'failed', 'stopped', 'displaced', 'released', 'moving', 'moved', 'moveFailed'),
      fenceBack: fc.constantFrom(0, 0, 0, 1),
      waitMs: fc.constantFrom(0, 1_000, 20_000, 310_000)
    })
    fc.assert(fc.property(fc.array(event, { maxLength: 40 }), events => {
      let record = newSession(WANTED, 0)
      let nowMs = 0
      for (const { type, fenceBack, waitMs } of events) {
        nowMs += waitMs
        const outcome = transition(record, { type, fence: record.fence - fenceBack, steps: [], place: PLACE, message: '', region: 'r' } as SessionEvent, nowMs)
        if (outcome.type === 'refused') {
          continue
        }
        const next = outcome.session
        expect(next.version).to.equal(record.version + 1)
        expect(next.fence).to.be.at.least(record.fence)
        expect(next.leaseUntilMs).to.be.at.least(record.leaseUntilMs)
        expect(STATES.indexOf(next.state) >= STATES.indexOf(record.state) || (record.state === 'active' && next.state === 'provisioning')).to.equal(true)
        expect(next.move === undefined || next.state === 'active').to.equal(true)
        expect(outcome.work !== undefined).to.equal(next.fence > record.fence)
        expect(next.place !== undefined && isLive(next)).to.equal(next.state === 'active')
        record = next
      }
    }))
  })
})
