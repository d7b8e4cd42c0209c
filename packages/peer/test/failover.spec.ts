import { ManualClock, SeededRandom } from '@skein/core'
import { InferenceError } from '@skein/inference'
import { expect } from 'chai'
import { CoolDown } from '../src/cool-down.ts'
import { callModel } from '../src/failover.ts'
import { offerOf } from './offer-of.ts'
import type { InferenceErrorCode, InferenceErrorInit, InferenceEvent } from '@skein/inference'
import type { Cancel } from '@skein/core'
import type { Offer } from '@skein/records'
import type { FailoverOptions } from '../src/failover.ts'

/** What a provider does: gives these pieces, then ends, or fails with this. */
interface Script {
  pieces?: string[]
  fails?: [InferenceErrorCode, InferenceErrorInit?]
  offer?: Partial<Offer>
  /** Never answers until it is aborted */
  hangs?: boolean
  /** Has gone, though its offer is still there */
  gone?: boolean
  /** What it does when it is asked again */
  again?: Pick<Script, 'pieces' | 'fails'>
}

interface Outcome {
  text: string
  heads: number
  error?: InferenceError
  asked: string[]
  route?: { peer: string, path: string, attempts: number }
}

/** Pauses take no time; deadlines do. */
class HurriedClock extends ManualClock {
  override schedule (atMs: number, task: () => void): Cancel {
    if (atMs - this.nowMs() > 10_000) {
      return super.schedule(atMs, task)
    }
    const timer = setImmediate(() => {
      this.advance(Math.max(0, atMs - this.nowMs()))
      task()
    })
    return () => { clearImmediate(timer) }
  }
}

/** Runs a call over providers that are ranked in the order given (each slower than the one before). */
async function run (providers: Record<string, Script>, options: FailoverOptions = {}, coolDown = new CoolDown()): Promise<Outcome> {
  const asked: string[] = []
  const clock = new HurriedClock(1_000)
  const call = callModel({
    clock,
    random: new SeededRandom(1),
    region: '',
    coolDown,
    async * find () {
      let tokensPerSecond = 1_024
      for (const [peer, { offer }] of Object.entries(providers)) {
        yield { offer: offerOf({ peer, tokensPerSecond, ...offer }), fromCache: true }
        tokensPerSecond /= 1.5
      }
    },
    view: () => ({ path: 'direct', roundTripMs: 1, ownRequests: 0 }),
    ask: ({ peer }, _, { signal }) => {
      asked.push(peer)
      const script = providers[peer] as Script
      const times = asked.filter(other => other === peer).length
      return Object.assign(answer(times > 1 ? { ...script, ...script.again } : script, signal), { path: () => 'direct' as const })
    }
  }, { task: 'chat', model: 'm', body: {} }, options)

  let text = ''
  let heads = 0
  try {
    for await (const event of call) {
      text += event.type === 'delta' ? event.text : ''
      heads += event.type === 'head' ? 1 : 0
    }
    return { text, heads, asked, route: await call.route }
  } catch (error) {
    expect(error).to.be.instanceOf(InferenceError)
    expect(await call.route.then(() => 'resolved', () => 'rejected')).to.equal(text === '' ? 'rejected' : 'resolved')
    return { text, heads, asked, error: error as InferenceError }
  }
}

async function * answer ({ pieces = [], fails, hangs, gone }: Script, signal: AbortSignal): AsyncGenerator<InferenceEvent> {
  if (gone === true) {
    throw new InferenceError('connection_failed', 'scripted')
  }
  yield { type: 'head', head: { id: 'x' } }
  for (const text of pieces) {
    yield { type: 'delta', text }
  }
  if (hangs === true) {
    await new Promise((_resolve, reject) => { signal.addEventListener('abort', () => { reject(signal.reason) }, { once: true }) })
  }
  if (fails != null) {
    throw new InferenceError(fails[0], 'scripted', fails[1])
  }
  yield { type: 'finish', reason: 'stop' }
}

const HELLO = ['hel', 'lo', ' world']

describe('a call', () => {
  it('takes the first provider that delivers', async () => {
    const outcome = await run({ a: { pieces: HELLO }, b: { pieces: HELLO } })
    expect(outcome).to.deep.include({ text: 'hello world', heads: 1, asked: ['a'], route: { peer: 'a', path: 'direct', attempts: 1 } })
  })

  for (const code of ['busy', 'connection_failed', 'first_delta_timeout', 'stream_truncated', 'stream_corrupt', 'backend_failed', 'model_not_found'] as const) {
    it(`moves on when a provider fails with ${code} before its first content`, async () => {
      const outcome = await run({ a: { fails: [code] }, b: { pieces: HELLO } })
      expect(outcome).to.deep.include({ text: 'hello world', heads: 1, asked: ['a', 'b'], route: { peer: 'b', path: 'direct', attempts: 2 } })
    })
  }

  it('tries no further when the request itself is wrong', async () => {
    const { error, asked } = await run({ a: { fails: ['invalid_request'] }, b: { pieces: HELLO } })
    expect(asked).to.deep.equal(['a'])
    expect(error?.code).to.equal('invalid_request')
  })

  it('tries at most so many', async () => {
    const failing: Script = { fails: ['connection_failed'] }
    const { error, asked } = await run({ a: failing, b: failing, c: failing, d: { pieces: HELLO } }, { maxAttempts: 3 })
    expect(asked).to.deep.equal(['a', 'b', 'c'])
    expect(error?.code).to.equal('connection_failed')
  })

  it('does not count those who have gone, up to eight of them', async () => {
    const gone = (count: number): Record<string, Script> => Object.fromEntries(Array.from({ length: count }, (_, i) => [`gone${i}`, { gone: true }]))
    expect(await run({ ...gone(8), a: { pieces: HELLO } }, { maxAttempts: 1 })).to.deep.include({ text: 'hello world' })
    const { error, asked } = await run({ ...gone(10), a: { pieces: HELLO } })
    expect([error?.code, asked.length]).to.deep.equal(['connection_failed', 9])
  })

  it('says busy, and when to come back, when that is what stood in the way', async () => {
    const { error } = await run({ a: { fails: ['busy', { retryAfterMs: 4_000 }] }, b: { fails: ['busy', { retryAfterMs: 1_500 }] } })
    expect(error).to.include({ code: 'busy', retryAfterMs: 1_500 })
  })

  it('waits for one that is reached directly while the relay budget is spent', async () => {
    const asked: string[] = []
    const call = callModel({
      clock: new ManualClock(1_000),
      random: new SeededRandom(1),
      region: '',
      coolDown: new CoolDown(),
      isBudgetSpent: () => true,
      async * find () {
        yield { offer: offerOf({ peer: 'relayed', tokensPerSecond: 80 }), fromCache: true }
        await new Promise(resolve => { setImmediate(resolve) })
        yield { offer: offerOf({ peer: 'direct', tokensPerSecond: 40 }), fromCache: false }
      },
      view: peer => ({ path: peer === 'relayed' ? 'relayed' : 'direct', roundTripMs: 1, ownRequests: 0 }),
      ask: ({ peer }, _, { signal }) => {
        asked.push(peer)
        return Object.assign(answer({ pieces: HELLO }, signal), { path: () => 'direct' as const })
      }
    }, { task: 'chat', model: 'm', body: {} })
    for await (const event of call) {
      expect(event.type).to.be.oneOf(['head', 'delta', 'finish'])
    }
    expect(asked).to.deep.equal(['direct'])
  })

  it('says that nobody offers the model', async () => {
    expect((await run({})).error?.code).to.equal('no_provider')
  })

  it('looks for a longer context when one was too short, and gives both numbers when there is none', async () => {
    const short: Script = { fails: ['context_length_exceeded', { promptTokens: 5_000, contextTokens: 4_096 }] }
    const found = await run({ a: short, b: { pieces: ['no'], offer: { effectiveContext: 4_096 } }, c: { pieces: HELLO, offer: { effectiveContext: 8_192 } } })
    expect(found).to.deep.include({ text: 'hello world', asked: ['a', 'c'] })
    const { error } = await run({ a: short, b: { pieces: ['no'], offer: { effectiveContext: 2_048 } } })
    expect(error).to.include({ code: 'context_length_exceeded', promptTokens: 5_000, contextTokens: 4_096 })
  })

  it('fails, and says how much came, when a provider is lost in mid-answer', async () => {
    const { error, text, asked } = await run({ a: { pieces: ['hel', 'lo'], fails: ['stream_truncated'] }, b: { pieces: HELLO } })
    expect({ text, asked, code: error?.code, deltas: error?.deltas, peer: error?.peer }).to.deep.equal({ text: 'hello', asked: ['a'], code: 'stream_truncated', deltas: 2, peer: 'a' })
  })

  it('never shuts out the only provider for good', async () => {
    const coolDown = new CoolDown()
    await run({ a: { fails: ['backend_failed'] } }, {}, coolDown)
    expect(coolDown.untilMs('a', 'm', 1_000)).to.be.above(1_000)
    expect((await run({ a: { pieces: HELLO } }, {}, coolDown)).text).to.equal('hello world')
    expect(coolDown.untilMs('a', 'm', 1_000)).to.equal(undefined)
  })

  it('asks one that failed lately after all others', async () => {
    const coolDown = new CoolDown()
    coolDown.onFailed('a', 'm', 1_000)
    expect((await run({ a: { pieces: HELLO }, b: { pieces: HELLO } }, {}, coolDown)).asked).to.deep.equal(['b'])
  })

  it('ends with the caller\'s signal', async () => {
    const controller = new AbortController()
    const running = run({ a: { pieces: ['hel'], hangs: true } }, { signal: controller.signal })
    await Promise.resolve()
    controller.abort()
    expect((await running).error?.code).to.equal('cancelled')
    expect((await run({ a: { pieces: HELLO } }, { signal: AbortSignal.abort() })).error?.code).to.equal('cancelled')
  })
})

describe('a call that may be resumed', () => {
  const deterministic = { offer: { deterministic: true } }

  it('goes on where the first provider stopped, whatever pieces the second gives', async () => {
    const outcome = await run({
      a: { pieces: ['hel', 'lo'], fails: ['stream_truncated'], ...deterministic },
      b: { pieces: ['h', 'ello w', 'orld'], ...deterministic }
    }, { resume: true })
    expect(outcome).to.deep.include({ text: 'hello world', heads: 1, asked: ['a', 'b'] })
  })

  it('goes on over two failures', async () => {
    const outcome = await run({
      a: { pieces: ['hel'], fails: ['stream_truncated'], ...deterministic },
      b: { pieces: ['he'], fails: ['stream_truncated'], ...deterministic },
      c: { pieces: HELLO, ...deterministic }
    }, { resume: true })
    expect(outcome).to.deep.include({ text: 'hello world', asked: ['a', 'b', 'c'] })
  })

  it('fails when the second says something else, or less', async () => {
    for (const pieces of [['help'], ['he']]) {
      const { error, text } = await run({
        a: { pieces: ['hel', 'lo'], fails: ['stream_truncated'], ...deterministic },
        b: { pieces, ...deterministic }
      }, { resume: true })
      expect({ text, code: error?.code }).to.deep.equal({ text: 'hello', code: 'stream_corrupt' })
    }
  })

  it('is left to fail where the model is not deterministic, or no other provider is', async () => {
    const lost: Script = { pieces: ['hel'], fails: ['stream_truncated'] }
    expect((await run({ a: lost, b: { pieces: HELLO } }, { resume: true })).asked).to.deep.equal(['a'])
    const again = await run({ a: { ...lost, ...deterministic }, b: { pieces: HELLO } })
    expect(new Set(again.asked)).to.deep.equal(new Set(['a']))
    expect({ text: again.text, code: again.error?.code }).to.deep.equal({ text: 'hel', code: 'stream_truncated' })
    expect((await run({ a: { ...lost, ...deterministic }, b: { pieces: HELLO, ...deterministic } }, { resume: false })).asked).to.deep.equal(['a'])
  })

  it('goes on at the same provider over another path when there is no other', async () => {
    const outcome = await run({
      a: { pieces: ['hel', 'lo'], fails: ['stream_truncated'], again: { pieces: HELLO, fails: undefined }, ...deterministic }
    })
    expect(outcome).to.deep.include({ text: 'hello world', heads: 1, asked: ['a', 'a'] })
  })

  it('asks the same provider again after all others, and a few times while it is not reached yet', async () => {
    const unreached = await run({ a: { fails: ['stream_truncated'], again: { fails: ['connection_failed'] } }, b: { fails: ['connection_failed'] } })
    expect(unreached.asked.slice(0, 3)).to.deep.equal(['a', 'b', 'a'])
    expect(unreached.asked.filter(peer => peer === 'a')).to.have.length.within(3, 8)
    expect(unreached.asked.filter(peer => peer === 'b')).to.have.length(1)
  })

  it('does not ask one again that was never reached, or said no', async () => {
    for (const code of ['connection_failed', 'busy', 'backend_failed', 'first_delta_timeout'] as const) {
      expect((await run({ a: { fails: [code] } })).asked, code).to.deep.equal(['a'])
    }
  })
})
