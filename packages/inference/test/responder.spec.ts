import { ManualClock } from '@skein/core'
import { StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { expect } from 'chai'
import { Admission, decodeFrame, encodeFrame, FrameReader, handlerBackend } from '../src/index.ts'
import { Responder } from '../src/libp2p/responder.ts'
import type { Connection, Logger, Stream } from '@libp2p/interface'
import type { Frame, Handler, InferenceRequest } from '../src/index.ts'
import type { ResponderContext } from '../src/libp2p/responder.ts'

/** As much of a stream as a responder uses; keeps each send apart. */
class FakeStream extends EventTarget {
  status = 'open'
  full = false
  readonly sends: Uint8Array[] = []

  send (bytes: Uint8Array): boolean {
    this.sends.push(bytes)
    return !this.full
  }

  async close (): Promise<void> {
    this.status = 'closed'
    this.dispatchEvent(new StreamCloseEvent())
  }

  abort (): void {
    this.status = 'aborted'
    this.dispatchEvent(new StreamCloseEvent())
  }
}

/** The kinds of frames in one send. */
function kinds (bytes: Uint8Array): string[] {
  const reader = new FrameReader(1_000_000)
  const found: Frame[] = []
  reader.push(bytes)
  for (let frame = reader.next(); frame != null; frame = reader.next()) {
    found.push(decodeFrame(frame.body))
  }
  return found.map(({ kind }) => kind)
}

const turn = async (): Promise<void> => new Promise(resolve => { setImmediate(resolve) })

describe('Responder', () => {
  const log = Object.assign(() => {}, { error: () => {}, trace: () => {} }) as unknown as Logger

  async function start (handler: Handler, full = false): Promise<{ stream: FakeStream, context: ResponderContext }> {
    const backend = handlerBackend('m', handler)
    const [model] = await backend.models()
    const stream = new FakeStream()
    stream.full = full
    const context: ResponderContext = {
      clock: new ManualClock(),
      log,
      admission: new Admission(),
      resolve: async () => ({ backend, model: model as NonNullable<typeof model> }),
      responders: new Set(),
      pathOf: () => 'direct',
      pending: { bytes: 0, maxBytes: 1_000 }
    }
    void new Responder(stream as unknown as Stream, { remotePeer: 'c' } as unknown as Connection, context)
    return { stream, context }
  }

  const ask = (stream: FakeStream): void => {
    const nonce = new Uint8Array(16)
    const request: InferenceRequest = { task: 'chat', model: 'm', body: {} }
    stream.dispatchEvent(new StreamMessageEvent(encodeFrame({ kind: 'request', request, nonce, timeoutMs: 9_000, windowBytes: 0 })))
  }

  it('sends what is ready in one tick with one send, and what comes later at once', async () => {
    const later = Promise.withResolvers<void>()
    const { stream } = await start(async function * () {
      yield * ['a', 'b', 'c']
      await later.promise
      yield 'd'
      await turn()
    })
    ask(stream)
    await turn()
    expect(stream.sends.map(kinds)).to.deep.equal([['delta', 'delta', 'delta']])
    later.resolve()
    await turn()
    await turn()
    await turn()
    expect(stream.sends.map(kinds)).to.deep.equal([['delta', 'delta', 'delta'], ['delta'], ['end']])
    expect(stream.status).to.equal('closed')
  })

  it('does not pull while the stream wants a drain', async () => {
    let pulled = 0
    const { stream } = await start(async function * () {
      for (; pulled < 3; pulled++) {
        yield 'a'
        await turn()
      }
    }, true)
    ask(stream)
    for (let i = 0; i < 10; i++) {
      await turn()
    }
    const before = pulled
    expect(before).to.be.at.most(1)
    stream.full = false
    stream.dispatchEvent(new Event('drain'))
    for (let i = 0; i < 10; i++) {
      await turn()
    }
    expect(pulled).to.equal(3)
    expect(stream.sends.flatMap(kinds)).to.deep.equal(['delta', 'delta', 'delta', 'end'])
  })

  it('tells BUSY when too much of requests lies unfinished, and forgets it then', async () => {
    const { stream, context } = await start(() => '')
    const unfinished = new Uint8Array(1_100).fill(1)
    unfinished.set([0xff, 0x7f])
    stream.dispatchEvent(new StreamMessageEvent(unfinished))
    expect(stream.sends.flatMap(kinds)).to.deep.equal(['error'])
    expect(context.pending.bytes).to.equal(0)
  })

  it('counts unfinished requests only as long as their streams live', async () => {
    const { stream, context } = await start(() => '')
    stream.dispatchEvent(new StreamMessageEvent(Uint8Array.of(0xff, 0x7f, 1, 2, 3)))
    expect(context.pending.bytes).to.equal(5)
    stream.abort()
    expect(context.pending.bytes).to.equal(0)
    expect(context.responders.size).to.equal(0)
  })
})
