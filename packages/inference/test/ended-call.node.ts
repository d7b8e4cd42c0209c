/** What each side is told of a request when it is over, between real nodes. */
import { toHex } from '@skein/core'
import { expect } from 'chai'
import { handlerBackend } from '../src/index.ts'
import { collect, createNode, until } from './node-pair.ts'
import type { InferenceNode } from './node-pair.ts'
import type { EndedCall, Handler } from '../src/index.ts'

describe('what came of a call, over libp2p', () => {
  let server: InferenceNode
  let client: InferenceNode
  let ended: Array<['served' | 'called', EndedCall]>

  beforeEach(async () => {
    ended = []
    ;[server, client] = await Promise.all([
      createNode({ onServed: call => { ended.push(['served', call]) } }),
      createNode({ onCalled: call => { ended.push(['called', call]) } })
    ])
  })
  afterEach(async () => { await Promise.all([server.stop(), client.stop()]) })

  async function ask (handler: Handler, body = {}): Promise<Array<['served' | 'called', EndedCall]>> {
    server.services.inference.addBackend(handlerBackend('m', handler))
    await collect(client.services.inference.call(server.getMultiaddrs(), { task: 'chat', model: 'm', body: { messages: [], ...body } }))
    await until(() => ended.length === 2)
    return ended
  }

  it('is told to both, the serving side first, and is the same but for who and when', async () => {
    const [[first, served], [, called]] = await ask(async function * () {
      yield 'one '
      yield { type: 'usage', usage: { prompt_tokens: 3, completion_tokens: 1 } }
    }) as [['served', EndedCall], ['called', EndedCall]]
    expect(first).to.equal('served')
    expect([served.peer, called.peer]).to.deep.equal([client.peerId.toString(), server.peerId.toString()])
    const facts = ({ nonce, outcome, deltas, bytes, usage, path }: EndedCall): unknown => ({ nonce: toHex(nonce), outcome, deltas, bytes, usage, path })
    expect(facts(served)).to.deep.equal(facts(called))
    expect(served).to.deep.include({ outcome: 'complete', deltas: 1, path: 'direct', model: 'm', task: 'chat' })
    expect(called.durationMs).to.be.at.least(0).and.below(5_000)
  })

  it('is truncated when the serving node goes away in mid-answer', async () => {
    const answer = ask(async function * () {
      yield 'one '
      await new Promise(resolve => { setTimeout(resolve, 60_000).unref() })
    })
    await until(() => server.services.inference.active === 1)
    await new Promise(resolve => { setTimeout(resolve, 50) })
    await server.stop()
    const told = Object.fromEntries((await answer).map(([side, { outcome }]) => [side, outcome]))
    expect(told).to.deep.equal({ served: 'abandoned', called: 'truncated' })
  })

  it('is not told of a node that was never reached', async () => {
    const addresses = server.getMultiaddrs()
    await server.stop()
    await collect(client.services.inference.call(addresses, { task: 'chat', model: 'm', body: { messages: [] } }))
    expect(ended).to.deep.equal([])
  })
})
