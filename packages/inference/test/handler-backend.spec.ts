import { expect } from 'chai'
import { handlerBackend, InferenceError } from '../src/index.ts'
import type { Handler, InferenceEvent, InferenceRequest } from '../src/index.ts'

const request: InferenceRequest = { task: 'chat', model: 'm', body: {} }
const run = async (handler: Handler, signal = new AbortController().signal): Promise<InferenceEvent[]> =>
  Array.fromAsync(handlerBackend('m', handler).infer(request, { signal }))

describe('a backend made of a function', () => {
  const expected: InferenceEvent[] = [{ type: 'delta', text: 'ab' }, { type: 'finish', reason: 'stop' }]
  const otherEvents: InferenceEvent[] = [{ type: 'usage', usage: {} }, { type: 'finish', reason: 'length' }]
  const handlers: Array<[string, Handler, InferenceEvent[]]> = [
    ['a string', () => 'ab', expected],
    ['a promise of a string', async () => 'ab', expected],
    ['a list', () => ['ab'], expected],
    ['a generator', function * () { yield 'ab' }, expected],
    ['an asynchronous generator', async function * () { yield 'ab' }, expected],
    ['a promise of a generator', async () => (async function * () { yield 'ab' })(), expected],
    ['events, which are passed on', () => otherEvents, otherEvents],
    ['nothing at all', () => [], [{ type: 'finish', reason: 'stop' }]]
  ]
  for (const [name, handler, events] of handlers) {
    it(`takes ${name}`, async () => {
      expect(await run(handler)).to.deep.equal(events)
    })
  }

  it('serves one model, as described', async () => {
    expect(await handlerBackend('m', () => '').models()).to.deep.equal([
      { id: 'm', tasks: ['chat', 'completion'], contextTokens: 0, deterministic: false, maxConcurrent: 4, tokensPerSecond: 0 }
    ])
  })

  it('passes on what the function throws', async () => {
    const error = new Error('no')
    expect(await run(() => { throw error }).catch((caught: unknown) => caught)).to.equal(error)
  })

  it('ends when the signal fires, even if the function does not heed it, and lets it clean up if it can', async () => {
    const controller = new AbortController()
    const deaf = run(async () => new Promise(() => {}), controller.signal).catch((caught: unknown) => caught)
    const deafLater = run(async function * () {
      yield 'a'
      await new Promise(() => {})
    }, controller.signal).catch((caught: unknown) => caught)
    let cleaned = false
    const leaving = handlerBackend('m', function * () {
      try {
        yield 'a'
        yield 'b'
      } finally {
        cleaned = true
      }
    }).infer(request, { signal: controller.signal })[Symbol.asyncIterator]()
    await leaving.next()
    controller.abort()
    expect(await deaf).to.be.instanceOf(InferenceError).and.include({ code: 'cancelled' })
    expect(await deafLater).to.be.instanceOf(InferenceError).and.include({ code: 'cancelled' })
    expect(await leaving.next().catch((caught: unknown) => caught)).to.be.instanceOf(InferenceError)
    expect(cleaned).to.equal(true)
  })
})
