import { concatBytes, fromHex } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { Admission, ClientCall, decodeFrame, encodeFrame, FrameReader, InferenceError, ServerCall } from '../src/index.ts'
import type { BackendModel, Frame, InferenceEvent, InferenceRequest, RequestFrame, ServerCallEffect, ServerCallInit } from '../src/index.ts'

const model: BackendModel = { id: 'm', tasks: ['chat'], contextTokens: 0, deterministic: false, maxConcurrent: 1 }

const chat: InferenceRequest = { task: 'chat', model: 'm', body: {} }

const requestFrame = (extra: Partial<RequestFrame> = {}): RequestFrame => ({
  kind: 'request', request: chat, nonce: new Uint8Array(16).fill(1), timeoutMs: 30_000, windowBytes: 0, ...extra
})

function create (extra: Partial<ServerCallInit> = {}): ServerCall {
  return new ServerCall({ admission: new Admission(), caller: 'c', ...extra }, 0)
}

function drain (call: ServerCall): ServerCallEffect[] {
  const effects: ServerCallEffect[] = []
  for (let effect = call.poll(); effect != null; effect = call.poll()) {
    effects.push(effect)
  }
  return effects
}

/** What was done, with the frames that were sent. */
function told (effects: ServerCallEffect[]): Array<string | Frame> {
  return effects.flatMap((effect): Array<string | Frame> => effect.type === 'send' ? framesIn(effect.bytes) : [effect.type])
}

function framesIn (bytes: Uint8Array): Frame[] {
  const reader = new FrameReader(1_000_000)
  const frames: Frame[] = []
  reader.push(bytes)
  for (let frame = reader.next(); frame != null; frame = reader.next()) {
    frames.push(decodeFrame(frame.body))
  }
  return frames
}

function errorIn (effects: ServerCallEffect[]): InferenceError | undefined {
  return told(effects).flatMap(frame => typeof frame !== 'string' && frame.kind === 'error' ? [frame.error] : [])[0]
}

function answering (extra?: Partial<ServerCallInit>, frame?: Partial<RequestFrame>): ServerCall {
  const call = create(extra)
  call.onBytes(encodeFrame(requestFrame(frame)), 0)
  call.onModel(model, 0)
  drain(call)
  return call
}

describe('a call at the serving side', () => {
  it('resolves, starts, sends and closes', () => {
    const call = create()
    call.onBytes(encodeFrame(requestFrame()), 0)
    expect(told(drain(call))).to.deep.equal(['resolve'])
    call.onModel(model, 0)
    expect(told(drain(call))).to.deep.equal(['start'])
    call.onEvent({ type: 'delta', text: 'a' }, 1)
    expect(told(drain(call))).to.deep.equal([{ kind: 'delta', seq: 0, text: 'a' }])
    call.onFinished(2)
    const effects = told(drain(call))
    expect(effects[0]).to.include({ kind: 'end', count: 1 })
    expect(effects[1]).to.equal('close')
    expect(call.nextTimeoutMs()).to.equal(undefined)
  })

  it('is understood by the other side', () => {
    const events = fc.array(fc.record({ type: fc.constant('delta' as const), text: fc.string({ unit: 'binary', minLength: 1 }) }))
    fc.assert(fc.property(events, fc.option(fc.string({ minLength: 1 }), { nil: undefined }), (deltas, reason) => {
      const sent: InferenceEvent[] = [...deltas, ...reason == null ? [] : [{ type: 'finish' as const, reason }]]
      const client = new ClientCall({ request: requestFrame().request, nonce: new Uint8Array(16), deadlineMs: 1_000 }, 0)
      const server = create()
      client.onOpen(0)
      const [request] = [client.poll()]
      server.onBytes(request?.type === 'send' ? request.bytes : new Uint8Array(0), 0)
      server.onModel(model, 0)
      sent.forEach(event => { server.onEvent(event, 1) })
      server.onFinished(2)
      drain(server).forEach(effect => { client.onBytes(effect.type === 'send' ? effect.bytes : new Uint8Array(0), 3) })
      const received: InferenceEvent[] = []
      let complete = false
      for (let effect = client.poll(); effect != null; effect = client.poll()) {
        complete ||= effect.type === 'end'
        if (effect.type === 'event') {
          received.push(effect.event)
        }
      }
      expect(received).to.deep.equal(sent)
      expect(complete).to.equal(true)
    }))
  })

  const refusals: Array<[string, Uint8Array, object]> = [
    ['a frame that is no REQUEST', encodeFrame({ kind: 'credit', bytes: 1 }), { code: 'invalid_request' }],
    ['garbage', fromHex('03ffffff'), { code: 'invalid_request' }],
    ['a second REQUEST', concatBytes(encodeFrame(requestFrame()), encodeFrame(requestFrame())), { code: 'invalid_request' }],
    ['a REQUEST without time', encodeFrame(requestFrame({ timeoutMs: 0 })), { code: 'deadline_exceeded' }],
    ['a REQUEST above the limit', encodeFrame(requestFrame({ request: { ...chat, body: { x: 'x'.repeat(2_000) } } })), { code: 'oversize' }],
    ['a long model id', encodeFrame(requestFrame({ request: { ...chat, model: 'm'.repeat(129) } })), { code: 'invalid_request' }],
    ['an unknown task', encodeFrame(requestFrame({ request: { ...chat, task: 'paint' as 'chat' } })), { code: 'invalid_request' }]
  ]
  for (const [name, bytes, expected] of refusals) {
    it(`refuses ${name} with an ERROR and closes`, () => {
      const call = create({ maxRequestBytes: 1_000 })
      call.onBytes(bytes, 0)
      const effects = drain(call)
      expect(errorIn(effects)).to.include(expected)
      expect(effects.at(-1)?.type).to.equal('close')
    })
  }

  it('never throws, and says nothing but one ERROR, whatever comes first', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 5 }), chunks => {
      const call = create()
      chunks.forEach(chunk => { call.onBytes(chunk, 0) })
      const sent = drain(call).filter(({ type }) => type === 'send')
      expect(sent.length).to.be.at.most(1)
    }), { numRuns: 1_000 })
  })

  it('gives up on a stream on which no request comes', () => {
    const call = create({ requestTimeoutMs: 10_000 })
    call.onBytes(encodeFrame(requestFrame()).subarray(0, 10), 5_000)
    expect(call.nextTimeoutMs()).to.equal(10_000)
    call.onTimeout(10_000)
    expect(errorIn(drain(call))).to.include({ code: 'deadline_exceeded' })
  })

  it('refuses a nonce that it has answered, and takes one again that it turned away', () => {
    const admission = new Admission()
    const first = answering({ admission })
    const busy = create({ admission })
    busy.onBytes(encodeFrame(requestFrame({ nonce: new Uint8Array(16).fill(2) })), 0)
    busy.onModel(model, 0)
    expect(errorIn(drain(busy))).to.include({ code: 'busy' })
    first.onFinished(10)
    first.onStopped(10)
    const replay = create({ admission })
    replay.onBytes(encodeFrame(requestFrame()), 20)
    replay.onModel(model, 20)
    expect(errorIn(drain(replay))).to.include({ code: 'invalid_request' })
    const again = create({ admission })
    again.onBytes(encodeFrame(requestFrame({ nonce: new Uint8Array(16).fill(2) })), 20)
    again.onModel(model, 20)
    expect(told(drain(again))).to.deep.equal(['resolve', 'start'])
  })

  it('refuses when the deadline passed while it looked for the model', () => {
    const call = create()
    call.onBytes(encodeFrame(requestFrame({ timeoutMs: 100 })), 0)
    call.onModel(model, 100)
    expect(errorIn(drain(call))).to.include({ code: 'deadline_exceeded' })
  })

  it('stops the backend and says so at the deadline, which the server may shorten', () => {
    const call = answering({ maxRequestMs: 5_000 })
    expect(call.nextTimeoutMs()).to.equal(5_000)
    call.onTimeout(5_000)
    const effects = drain(call)
    expect(effects.map(({ type }) => type)).to.deep.equal(['stop', 'send', 'close'])
    expect(errorIn(effects)).to.include({ code: 'deadline_exceeded' })
  })

  it('stops the backend and sends nothing more when the caller goes away', () => {
    const call = answering()
    call.onClosed(undefined)
    expect(told(drain(call))).to.deep.equal(['stop'])
    call.onEvent({ type: 'delta', text: 'a' }, 1)
    call.onFinished(2)
    expect(drain(call)).to.deep.equal([])
  })

  it('keeps the place until the backend has really stopped', () => {
    const admission = new Admission()
    const call = answering({ admission })
    call.onClosed(undefined)
    expect(admission.active).to.equal(1)
    call.onStopped(5)
    call.onStopped(6)
    expect(admission.active).to.equal(0)
  })

  it('says what an InferenceError says, and nothing of another error', () => {
    const known = answering()
    known.onFailed(new InferenceError('context_length_exceeded', 'long', { promptTokens: 9, contextTokens: 8 }))
    expect(errorIn(drain(known))).to.include({ code: 'context_length_exceeded', promptTokens: 9, contextTokens: 8 })
    const unknown = answering()
    unknown.onFailed(new Error('/home/user/secret'))
    expect(errorIn(drain(unknown))).to.include({ code: 'backend_failed', message: 'The backend failed' })
  })

  it('says backend_failed when a piece cannot be sent', () => {
    const call = answering()
    call.onEvent({ type: 'delta', text: '', chunk: { x: 'x'.repeat(300_000) } }, 1)
    expect(errorIn(drain(call))).to.include({ code: 'backend_failed' })
  })

  it('is not writable beyond the window, until the caller grants more, and gives up on one that never does', () => {
    const call = answering({ stallTimeoutMs: 1_000 }, { windowBytes: 100 })
    call.onEvent({ type: 'delta', text: 'x'.repeat(200) }, 10)
    expect(call.writable).to.equal(false)
    expect(call.nextTimeoutMs()).to.equal(1_010)
    call.onBytes(encodeFrame({ kind: 'credit', bytes: 50 }), 500)
    expect(call.writable).to.equal(false)
    expect(call.nextTimeoutMs()).to.equal(1_500)
    call.onBytes(encodeFrame({ kind: 'credit', bytes: 1_000_000 }), 600)
    expect(call.writable).to.equal(true)
    expect(call.nextTimeoutMs()).to.equal(30_000)
    drain(call)
    call.onEvent({ type: 'delta', text: 'x'.repeat(200) }, 700) // what was granted above what was sent is not saved up
    expect(call.writable).to.equal(false)
    drain(call)
    call.onTimeout(1_700)
    expect(told(drain(call))).to.deep.equal(['stop', 'reset'])
  })
})
