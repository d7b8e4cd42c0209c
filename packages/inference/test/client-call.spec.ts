import { concatBytes, fromHex } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { AnswerWriter, ClientCall, decodeFrame, encodeFrame, InferenceError } from '../src/index.ts'
import type { ClientCallEffect, ClientCallInit, Frame, InferenceEvent } from '../src/index.ts'

const init = (extra: Partial<ClientCallInit> = {}): ClientCallInit => ({
  request: { task: 'chat', model: 'm', body: {} },
  nonce: new Uint8Array(16),
  deadlineMs: 100_000,
  firstDeltaTimeoutMs: 8_000,
  idleTimeoutMs: 5_000,
  ...extra
})

function open (extra?: Partial<ClientCallInit>): ClientCall {
  const call = new ClientCall(init(extra), 0)
  call.onOpen(0)
  drain(call)
  return call
}

function drain (call: ClientCall): ClientCallEffect[] {
  const effects: ClientCallEffect[] = []
  for (let effect = call.poll(); effect != null; effect = call.poll()) {
    effects.push(effect)
  }
  return effects
}

function answer (events: InferenceEvent[]): Uint8Array {
  const writer = new AnswerWriter()
  return concatBytes(...events.flatMap(event => writer.write(event)), ...writer.end())
}

const eventsOf = (effects: ClientCallEffect[]): InferenceEvent[] =>
  effects.flatMap(effect => effect.type === 'event' ? [effect.event] : [])
const errorOf = (effects: ClientCallEffect[]): InferenceError | undefined =>
  effects.flatMap(effect => effect.type === 'fail' ? [effect.error] : [])[0]
const succeeded = (effects: ClientCallEffect[]): boolean => effects.some(effect => effect.type === 'end')

const eventArbitrary: fc.Arbitrary<InferenceEvent> = fc.oneof(
  fc.record({ type: fc.constant('delta' as const), text: fc.string({ unit: 'binary', minLength: 1 }) }),
  fc.record({ type: fc.constant('delta' as const), text: fc.string(), chunk: fc.dictionary(fc.string(), fc.integer()) }),
  fc.record({ type: fc.constant('tool' as const), calls: fc.array(fc.string()) }).filter(({ calls }) => calls.length > 0)
)

describe('a call at the caller’s side', () => {
  it('sends the request with the time that is left', () => {
    const call = new ClientCall(init({ deadlineMs: 30_000 }), 0)
    call.onOpen(1_000)
    const [effect] = drain(call)
    const frame = effect?.type === 'send' ? decodeFrame(effect.bytes.subarray(1)) : undefined
    expect(frame).to.deep.equal({
      kind: 'request', request: { task: 'chat', model: 'm', body: {} }, nonce: new Uint8Array(16), timeoutMs: 29_000, windowBytes: 1024 * 1024
    })
  })

  it('gives all events of an answer, however it is cut into chunks, then its summary', () => {
    fc.assert(fc.property(fc.array(eventArbitrary, { maxLength: 12 }), fc.integer({ min: 1, max: 50 }), (events, size) => {
      const last: InferenceEvent[] = [{ type: 'usage', usage: { n: 1 } }, { type: 'finish', reason: 'stop' }]
      const sent: InferenceEvent[] = [{ type: 'head', head: { id: 'x' } }, ...events, ...last]
      const bytes = answer(sent)
      const call = open()
      for (let from = 0; from < bytes.length; from += size) {
        call.onBytes(bytes.slice(from, from + size), 10)
      }
      const effects = drain(call)
      expect(errorOf(effects)).to.equal(undefined)
      expect(eventsOf(effects)).to.deep.equal(sent)
      expect(effects.at(-1)).to.have.property('type', 'end')
      expect(call.nextTimeoutMs()).to.equal(undefined)
    }))
  })

  it('never takes an answer for complete that was cut anywhere', () => {
    const portion = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
    fc.assert(fc.property(fc.array(eventArbitrary, { maxLength: 6 }), portion, (events, at) => {
      const bytes = answer(events)
      const call = open()
      call.onBytes(bytes.slice(0, Math.floor(at * bytes.length)), 10)
      call.onClosed(undefined)
      const effects = drain(call)
      expect(succeeded(effects)).to.equal(false)
      expect(errorOf(effects)).to.include({ code: 'stream_truncated', retryable: true, deltas: eventsOf(effects).length })
    }))
  })

  it('never takes frames for an answer that are not one: dropped, doubled or in another order', () => {
    const several = fc.array(eventArbitrary, { minLength: 2, maxLength: 6 })
    fc.assert(fc.property(several, fc.nat(), fc.nat(), fc.constantFrom('drop', 'double', 'swap'), (events, a, b, what) => {
      const writer = new AnswerWriter()
      const frames = events.flatMap(event => writer.write(event))
      const [i, j] = [a % frames.length, b % frames.length]
      fc.pre(frames.length >= 2 && (what !== 'swap' || i !== j))
      if (what === 'drop') {
        frames.splice(i, 1)
      } else if (what === 'double') {
        frames.splice(i, 0, frames[i] as Uint8Array)
      } else {
        [frames[i], frames[j]] = [frames[j] as Uint8Array, frames[i] as Uint8Array]
      }
      const call = open()
      call.onBytes(concatBytes(...frames, ...writer.end()), 10)
      call.onClosed(undefined)
      const effects = drain(call)
      expect(succeeded(effects)).to.equal(false)
      expect(errorOf(effects)).to.include({ code: 'stream_corrupt' })
    }))
  })

  it('ends in exactly one error, whatever garbage comes', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 5 }), chunks => {
      const call = open()
      chunks.forEach(chunk => { call.onBytes(chunk, 10) })
      call.onClosed(undefined)
      call.onClosed(new Error('again'))
      const effects = drain(call)
      expect(succeeded(effects)).to.equal(false)
      expect(effects.filter(({ type }) => type === 'fail')).to.have.length(1)
      expect(errorOf(effects)).to.be.instanceOf(InferenceError)
    }), { numRuns: 1_000 })
  })

  const delta = (seq: number): Frame => ({ kind: 'delta', seq, text: 'a' })
  const corrupt: Array<[string, Frame[]]> = [
    ['content that starts with 1', [delta(1)]],
    ['content twice', [delta(0), delta(0)]],
    ['HEAD after content', [delta(0), { kind: 'head', head: {} }]],
    ['HEAD twice', [{ kind: 'head', head: {} }, { kind: 'head', head: {} }]],
    ['USAGE twice', [{ kind: 'usage', usage: {} }, { kind: 'usage', usage: {} }]],
    ['a wrong count', [delta(0), { kind: 'end', count: 2, hash: new Uint8Array(32) }]],
    ['a wrong hash', [delta(0), { kind: 'end', count: 1, hash: new Uint8Array(32) }]]
  ]
  for (const [name, frames] of corrupt) {
    it(`is corrupt with ${name}`, () => {
      const call = open()
      call.onBytes(concatBytes(...frames.map(frame => encodeFrame(frame))), 10)
      expect(errorOf(drain(call))).to.include({ code: 'stream_corrupt', retryable: true })
    })
  }

  it('is corrupt when more comes after END', () => {
    const call = open()
    call.onBytes(concatBytes(answer([{ type: 'delta', text: 'a' }]), Uint8Array.of(0)), 10)
    expect(errorOf(drain(call))).to.include({ code: 'stream_corrupt', deltas: 1 })
  })

  it('skips frames of unknown kinds, but not without end', () => {
    const unknown = fromHex('059a06020801')
    const call = open()
    call.onBytes(concatBytes(unknown, answer([{ type: 'delta', text: 'a' }])), 10)
    expect(succeeded(drain(call))).to.equal(true)
    const flooded = open()
    for (let i = 0; i < 1025; i++) {
      flooded.onBytes(unknown, 10)
    }
    expect(errorOf(drain(flooded))).to.include({ code: 'stream_corrupt' })
  })

  it('hands on the server’s error with what had come, and names the peer', () => {
    const call = open()
    call.peer = 'someone'
    const error = new InferenceError('busy', 'full', { retryAfterMs: 700 })
    call.onBytes(concatBytes(encodeFrame(delta(0)), encodeFrame({ kind: 'error', error })), 10)
    expect(errorOf(drain(call))).to.include({ code: 'busy', retryable: true, retryAfterMs: 700, deltas: 1, peer: 'someone' })
  })

  it('gives up at the first-delta deadline, even while it is still dialling', () => {
    const call = new ClientCall(init(), 0)
    expect(call.nextTimeoutMs()).to.equal(8_000)
    call.onTimeout(7_999)
    expect(drain(call)).to.deep.equal([])
    call.onTimeout(8_000)
    expect(errorOf(drain(call))).to.include({ code: 'first_delta_timeout', deltas: 0 })
  })

  it('does not take HEAD for a first delta', () => {
    const call = open()
    call.onBytes(encodeFrame({ kind: 'head', head: {} }), 7_000)
    call.onTimeout(8_000)
    expect(errorOf(drain(call))).to.include({ code: 'first_delta_timeout' })
  })

  it('gives up when nothing comes for too long, but not while its own consumer is the slow one', () => {
    const call = open()
    call.onBytes(encodeFrame(delta(0)), 1_000)
    const [event] = drain(call)
    call.onTimeout(call.nextTimeoutMs() as number)
    expect(drain(call)).to.deep.equal([])
    call.onConsumed(event?.type === 'event' ? event.bytes : 0, 20_000)
    call.onTimeout(24_999)
    expect(drain(call)).to.deep.equal([])
    call.onTimeout(25_000)
    expect(errorOf(drain(call))).to.include({ code: 'stream_truncated', deltas: 1 })
  })

  it('moves its timer only when it fires, not with each frame', () => {
    const call = open()
    call.onBytes(encodeFrame(delta(0)), 1_000)
    const armedMs = call.nextTimeoutMs()
    call.onBytes(encodeFrame(delta(1)), 2_000)
    expect(call.nextTimeoutMs()).to.equal(armedMs)
    drain(call).forEach(effect => { call.onConsumed(effect.type === 'event' ? effect.bytes : 0, 2_000) })
    call.onTimeout(armedMs as number)
    expect(call.nextTimeoutMs()).to.equal(7_000)
  })

  it('gives up at the deadline', () => {
    const call = open({ deadlineMs: 3_000 })
    call.onBytes(encodeFrame(delta(0)), 1_000)
    call.onTimeout(3_000)
    expect(errorOf(drain(call))).to.include({ code: 'deadline_exceeded', retryable: false, deltas: 1 })
  })

  it('grants more when half of the window was consumed', () => {
    const call = open({ windowBytes: 100 })
    const frame = encodeFrame({ kind: 'delta', seq: 0, text: 'x'.repeat(55) })
    call.onBytes(frame, 10)
    expect(drain(call).map(({ type }) => type)).to.deep.equal(['event'])
    call.onConsumed(frame.length, 20)
    const [effect] = drain(call)
    expect(effect?.type === 'send' && decodeFrame(effect.bytes.subarray(1))).to.deep.equal({ kind: 'credit', bytes: frame.length })
  })

  it('does not let a server send more than the window', () => {
    const call = open({ windowBytes: 100 })
    for (let seq = 0; seq < 10; seq++) {
      call.onBytes(encodeFrame({ kind: 'delta', seq, text: 'x'.repeat(60_000) }), 10)
    }
    expect(errorOf(drain(call))).to.include({ code: 'stream_corrupt' })
  })

  it('fails at once with a request that cannot be sent', () => {
    const call = new ClientCall(init({ request: { task: 'chat', model: 'm', body: { x: 'x'.repeat(100) } }, maxRequestBytes: 50 }), 0)
    expect(errorOf(drain(call))).to.include({ code: 'oversize', retryable: false })
  })
})
