import { expect } from 'chai'
import { DEFAULT_STREAM_LIMITS, StreamAdmission, StreamLife } from '../../src/admission/stream-admission.ts'

const T = 1_000_000
const HEADER_BYTES = 20
const PROTOCOL = '/skein/seed/1.0.0'

describe('the streams of a connection', () => {
  it('may be 64 opened at once, then 20 a second; more are reset, and after 100 resets the connection is ended', () => {
    const admission = new StreamAdmission(DEFAULT_STREAM_LIMITS, T)
    const actions = Array.from({ length: 165 }, () => admission.onOpen(0, T).action)
    expect(actions).to.deep.equal([...Array(64).fill('accept'), ...Array(100).fill('reset'), 'abort'])
    expect(admission.onOpen(0, T + 50)).to.deep.equal({ action: 'accept' })
  })

  it('may be 64 that are open', () => {
    const admission = new StreamAdmission(DEFAULT_STREAM_LIMITS, T)
    expect(admission.onOpen(63, T)).to.deep.equal({ action: 'accept' })
    expect(admission.onOpen(64, T)).to.deep.equal({ action: 'reset', reason: 'too_many' })
  })

  it('leave room for 60 pings at once, then 2 a second', () => {
    const admission = new StreamAdmission(DEFAULT_STREAM_LIMITS, T)
    expect(Array.from({ length: 61 }, () => admission.onPing(T)).indexOf(false)).to.equal(60)
    expect(admission.onPing(T + 500)).to.equal(true)
  })
})

describe('the life of a stream', () => {
  const negotiated = HEADER_BYTES + PROTOCOL.length + 2
  const cases: Array<[name: string, bytes: Array<[atMs: number, count: number]>, protocol: string, atMs: number, fault: string | undefined]> = [
    ['says nothing', [], '', 9_999, undefined],
    ['says nothing', [], '', 10_000, 'first_frame'],
    ['names its protocol and no more', [[1, negotiated]], PROTOCOL, 10_000, 'first_frame'],
    ['says one byte more', [[1, negotiated + 1]], PROTOCOL, 10_000, undefined],
    ['says all at once and waits for its answer', [[1, 500]], PROTOCOL, 59_999, undefined],
    ['is silent then', [[1, 500]], PROTOCOL, 60_001, 'idle'],
    ['stands ready for signals', [[1, 30]], '/skein/signal/1.0.0', 600_000, undefined],
    ['is sent something now and then', [[1, 500], [50_000, 0], [100_000, 0]], PROTOCOL, 150_000, undefined]
  ]
  for (const [name, bytes, protocol, atMs, fault] of cases) {
    it(`of one that ${name} is ${fault === undefined ? 'not over' : `over (${fault})`} after ${atMs} ms`, () => {
      const life = new StreamLife(DEFAULT_STREAM_LIMITS, T)
      bytes.forEach(([at, count]) => { life.onBytes(count, T + at) })
      expect(life.fault(protocol, T + atMs)).to.equal(fault)
    })
  }
})
