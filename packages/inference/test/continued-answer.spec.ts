import { expect } from 'chai'
import fc from 'fast-check'
import { AnswerWriter, continuationOf, continued, decodeFrame, encodeFrame, InferenceError } from '../src/index.ts'
import type { InferenceEvent } from '../src/index.ts'

async function * said (...events: Array<string | InferenceEvent>): AsyncGenerator<InferenceEvent> {
  for (const event of events) {
    yield typeof event === 'string' ? { type: 'delta', text: event } : event
  }
}

async function rest (beginning: string, ...events: Array<string | InferenceEvent>): Promise<InferenceEvent[]> {
  return await Array.fromAsync(continued(said(...events), continuationOf(beginning)))
}

async function failure (beginning: string, ...events: Array<string | InferenceEvent>): Promise<InferenceError> {
  return await rest(beginning, ...events).then(() => expect.fail('it did not fail'), (error: unknown) => error as InferenceError)
}

const FINISH: InferenceEvent = { type: 'finish', reason: 'stop' }

describe('an answer of which the caller has the beginning', () => {
  it('is left as it is where nothing is to be left out', async () => {
    expect(await Array.fromAsync(continued(said('a', FINISH), undefined))).to.deep.equal([{ type: 'delta', text: 'a' }, FINISH])
  })

  it('says first that it goes on, and after how much', async () => {
    expect(await rest('hel', 'he', 'llo', FINISH)).to.deep.equal([{ type: 'head', head: {}, continued: 3 }, { type: 'delta', text: 'lo' }, FINISH])
    expect((await rest('he', { type: 'head', head: { id: 'x' } }, 'hey'))[0]).to.deep.equal({ type: 'head', head: { id: 'x' }, continued: 2 })
  })

  it('has nothing more to say where the caller has all of it', async () => {
    expect(await rest('hello', 'hello', FINISH)).to.deep.equal([{ type: 'head', head: {}, continued: 5 }, FINISH])
  })

  it('is the whole answer together with the beginning, wherever that ends and however it is cut', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.string({ unit: 'binary', minLength: 1 }), { minLength: 1 }), fc.nat(), async (pieces, at) => {
      const whole = pieces.join('')
      const beginning = whole.slice(0, 1 + at % whole.length)
      const more = (await rest(beginning, ...pieces)).map(event => event.type === 'delta' ? event.text : '').join('')
      expect(beginning + more).to.equal(whole)
    }))
  })

  for (const [name, events] of [
    ['begins differently', ['help', ' me', FINISH]],
    ['is shorter', ['he', FINISH]],
    ['ends before', ['he']],
    ['calls a tool instead', [{ type: 'tool', calls: [] }]],
    ['says more than text can', [{ type: 'delta', text: 'hello', chunk: {} }]]
  ] as Array<[string, Array<string | InferenceEvent>]>) {
    it(`fails for good when it ${name}`, async () => {
      expect(await failure('hello', ...events)).to.include({ code: 'backend_failed', retryable: false })
    })
  }

  it('is asked for, and told of, in frames that keep it', () => {
    const from = continuationOf('Grüße')
    const request = { task: 'chat' as const, model: 'm', body: {}, from }
    const frame = encodeFrame({ kind: 'request', request, nonce: new Uint8Array(16), timeoutMs: 1, windowBytes: 0 })
    expect(decodeFrame(frame.subarray(1))).to.deep.include({ request })
    const [head] = new AnswerWriter().write({ type: 'head', head: {}, continued: 5 })
    expect(decodeFrame((head as Uint8Array).subarray(1))).to.deep.equal({ kind: 'head', head: {}, continued: 5 })
    const wrong = { ...request, from: { chars: 1, hash: new Uint8Array(3) } }
    const bad = encodeFrame({ kind: 'request', request: wrong, nonce: new Uint8Array(16), timeoutMs: 1, windowBytes: 0 })
    expect(() => decodeFrame(bad.subarray(1))).to.throw(InferenceError).with.property('code', 'invalid_request')
  })
})
