import { DeadlineError } from '@skein/core'
import { expect } from 'chai'
import { Admission, ClientCall, encodeFrame, InferenceError, ServerCall } from '../src/index.ts'
import type { BackendModel, CallRecord, InferenceRequest } from '../src/index.ts'

const request: InferenceRequest = { task: 'chat', model: 'm', body: {} }
const nonce = new Uint8Array(16).fill(1)
const model: BackendModel = { id: 'm', tasks: ['chat'], contextTokens: 0, deterministic: false, maxConcurrent: 1 }

interface Sides {
  server: ServerCall
  client: ClientCall
  /** Brings what each has to say to the other */
  pass: (nowMs: number) => void
}

/** A call from both sides, opened at 100; the request arrives at once. */
function call (admission = new Admission()): Sides {
  const server = new ServerCall({ admission, caller: 'c' }, 0)
  const client = new ClientCall({ request, nonce, deadlineMs: 60_000 }, 0)
  const pass = (nowMs: number): void => {
    for (let effect = client.poll(); effect !== undefined; effect = client.poll()) {
      if (effect.type === 'send') {
        server.onBytes(effect.bytes, nowMs)
      }
    }
    for (let effect = server.poll(); effect !== undefined; effect = server.poll()) {
      if (effect.type === 'send') {
        client.onBytes(effect.bytes, nowMs)
      }
    }
  }
  client.onOpen(100)
  pass(100)
  return { server, client, pass }
}

const both = ({ server, client }: Sides, nowMs: number): Array<CallRecord | undefined> => [client.record(nowMs), server.record(nowMs)]

describe('the record of a call', () => {
  it('is the same at both sides of a complete answer, usage and all', () => {
    const sides = call()
    sides.server.onModel(model, 110)
    sides.server.onEvent({ type: 'delta', text: 'one' }, 200)
    sides.server.onEvent({ type: 'delta', text: 'two' }, 250)
    sides.pass(250)
    expect(both(sides, 250)).to.deep.equal([undefined, undefined])
    sides.server.onEvent({ type: 'usage', usage: { prompt_tokens: 3, completion_tokens: 2 } }, 260)
    sides.server.onFinished(300)
    sides.pass(300)
    const [atClient, atServer] = both(sides, 300)
    expect(atServer).to.deep.include({ outcome: 'complete', deltas: 2, firstDeltaMs: 100, durationMs: 200, usage: { prompt_tokens: 3, completion_tokens: 2 } })
    expect(atServer?.bytes).to.be.above(20)
    expect(atClient).to.deep.equal({ ...atServer, firstDeltaMs: 150 }) // what was held back until it was passed on
  })

  it('tells a refusal from a failure, and a failure from an answer that broke off', () => {
    const refused = call()
    refused.server.onModel(undefined, 120)
    refused.pass(120)
    expect(both(refused, 120).map(record => record?.outcome)).to.deep.equal(['refused', 'refused'])

    const failed = call()
    failed.server.onModel(model, 120)
    failed.server.onFailed(new Error('out of memory'))
    failed.pass(130)
    expect(both(failed, 130).map(record => record?.outcome)).to.deep.equal(['failed', 'failed'])

    const truncated = call()
    truncated.server.onModel(model, 120)
    truncated.server.onEvent({ type: 'delta', text: 'one' }, 130)
    truncated.server.onFailed(new InferenceError('busy', 'second thoughts'))
    truncated.pass(140)
    expect(both(truncated, 140).map(record => [record?.outcome, record?.deltas])).to.deep.equal([['truncated', 1], ['truncated', 1]])
  })

  it('says nothing against a server whose caller left, unless the caller\'s deadline passed', () => {
    const left = call()
    left.server.onModel(model, 120)
    left.client.onCancel('no longer wanted')
    left.server.onClosed(undefined)
    expect(both(left, 130).map(record => record?.outcome)).to.deep.equal(['abandoned', 'abandoned'])
    const late = call()
    late.client.onCancel(new DeadlineError())
    expect(late.client.record(130)?.outcome).to.equal('failed')
  })

  it('is not there of a request that never went out, or never came whole', () => {
    const client = new ClientCall({ request, nonce, deadlineMs: 60_000 }, 0)
    client.onUnreachable(new Error('no route'))
    expect(client.over && client.record(10)).to.equal(undefined)
    const server = new ServerCall({ admission: new Admission(), caller: 'c' }, 0)
    server.onBytes(encodeFrame({ kind: 'credit', bytes: 1 }), 0)
    expect(server.over && server.record(10)).to.equal(undefined)
  })

  it('leaves the usage of an answer that broke off out: the caller has not seen it', () => {
    const sides = call()
    sides.server.onModel(model, 120)
    sides.server.onEvent({ type: 'delta', text: 'one' }, 130)
    sides.server.onEvent({ type: 'usage', usage: { completion_tokens: 9 } }, 130)
    sides.server.onFailed(new Error('gone'))
    expect(sides.server.record(140)).to.not.have.property('usage')
  })
})
