import { expect } from 'chai'
import { answered, budgetAlarm, keptSilent, reconcile, toAdmit, toEvacuate } from '../../src/watch/watch-round.ts'
import { nodeSpec, sessionRecord } from '../records.ts'
import type { Assignment, NodeStatistics, PoolNode, SessionRecord } from '@skein/fleet'

const NODE: PoolNode = {
  ...nodeSpec('n'), state: 'active', used: 2, health: 100, month: '2026-11', monthBytes: 1_000, silentPolls: 2, bootId: 'b1', bootBytes: 400
}
const STATISTICS: NodeStatistics = { bootId: 'b1', draining: false, cpuShare: 0.5, memoryShare: 0.2, bytes: 700, lossShare: 0.02, streams: [] }
const stream = (sessionId: string, fence: number): NodeStatistics['streams'][0] =>
  ({ sessionId, fence, live: false, bitrateBps: 0, rttMs: 0, lossShare: 0, latencyMs: 0, links: [] })
const assignment = (sessionId: string): Assignment => ({ sessionId, role: 'held', nodeId: 'n', fence: 1, assignedMs: 0 })

describe('A round of the watch', () => {
  it('counts the bytes since the last answer, from a start of the node on, and anew each month', () => {
    expect(answered(NODE, STATISTICS, '2026-11', 9)).to.deep.include({ monthBytes: 1_300, bootBytes: 700, silentPolls: 0, seenMs: 9, month: '2026-11' })
    expect(answered(NODE, { ...STATISTICS, bootId: 'b2', bytes: 50 }, '2026-11', 9).monthBytes).to.equal(1_050)
    expect(answered(NODE, STATISTICS, '2026-12', 9)).to.deep.include({ monthBytes: 300, month: '2026-12' })
    // a counter that goes back is not trusted
    expect(answered(NODE, { ...STATISTICS, bytes: 10 }, '2026-11', 9).monthBytes).to.equal(1_000)
  })

  it('scores what it sees', () => {
    // 30 + 25 · 6/8 + 25 · 0.8 + 20 · 0.5
    expect(answered(NODE, STATISTICS, '2026-11', 9).health).to.equal(78.8)
    expect(keptSilent(NODE, '2026-11')).to.deep.equal({ health: 0, month: '2026-11', monthBytes: 1_000, silentPolls: 3 })
  })

  it('tells once that a month has come to 70 %, and to 90 %', () => {
    const state = (before: number, after: number, month = '2026-11'): string | undefined =>
      budgetAlarm({ ...NODE, monthLimitBytes: 1_000, monthBytes: before }, { ...answered(NODE, STATISTICS, month, 9), monthBytes: after }, 9)?.state
    expect([state(0, 699), state(699, 700), state(700, 899), state(899, 900), state(900, 1_100), state(0, 950)])
      .to.deep.equal([undefined, 'warn', undefined, 'stop', undefined, 'stop'])
    // a month that begins with much
    expect(state(950, 750, '2026-12')).to.equal('warn')
    expect(budgetAlarm(NODE, answered(NODE, STATISTICS, '2026-11', 9), 9)).to.equal(undefined)
  })

  it('has taken away what is nobody\'s, and brought back what is missing', () => {
    const sessions = [sessionRecord('missing', { state: 'active', fence: 3 }), sessionRecord('coming'), sessionRecord('there', { state: 'active' }),
      sessionRecord('going', { state: 'releasing' })]
    const statistics = { ...STATISTICS, streams: [stream('there', 1), stream('left', 7)] }
    const { revoke, missing } = reconcile(statistics, sessions.map(({ id }) => assignment(id)))
    expect(revoke).to.deep.equal([{ sessionId: 'left', fence: 7 }])
    expect(missing).to.deep.equal(['missing', 'coming', 'going'])
    expect(toAdmit(missing, sessions)).to.deep.equal([{ sessionId: 'missing', streamToken: 'token-missing', fence: 3 }])
  })

  it('empties a node eight sessions at a time, and tries those again after a minute for which there was no room', () => {
    const place = { instanceId: 'n', region: 'r', ingestHost: 'h', ingestPort: 1, playHost: 'h', playPort: 2 }
    const move = { region: 'r', startedMs: 0, steps: [], evacuates: true }
    const idsOf = (sessions: SessionRecord[], nowMs = 60_000): string[] => toEvacuate('n', sessions, nowMs).map(({ id }) => id)
    const twelve = Array.from({ length: 12 }, (_, i) => sessionRecord(`s${i}`, { state: 'active', place }))
    expect(idsOf(twelve)).to.have.length(8)
    expect(idsOf(twelve.map((session, i) => i < 6 ? { ...session, move } : session))).to.deep.equal(['s6', 's7'])
    expect(idsOf(twelve.map(session => ({ ...session, move })))).to.deep.equal([])

    const left = { ...place, instanceId: 'other' }
    const others = [sessionRecord('coming'), sessionRecord('gone', { state: 'active', place: left }), sessionRecord('ending', { state: 'releasing', place })]
    expect(idsOf(others)).to.deep.equal([])
    const failed = [sessionRecord('failed', { state: 'active', place, moveFailedMs: 1_000 })]
    expect([idsOf(failed, 60_999), idsOf(failed, 61_000)]).to.deep.equal([[], ['failed']])
  })
})
