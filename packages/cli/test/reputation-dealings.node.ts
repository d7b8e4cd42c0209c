/** What `skein reputation` shows of real dealings: a peer that served and a gateway that asked, both stopped. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { SkeinProcess } from './skein-process.ts'
import type { SkeinEvent } from './skein-process.ts'

const LOOPBACK = ['--listen', '/ip4/127.0.0.1/tcp/0']

describe('skein reputation after real dealings', function () {
  this.timeout(90_000)
  const running: SkeinProcess[] = []
  let folder: string

  before(async () => { folder = await mkdtemp(join(tmpdir(), 'skein-dealings-')) })
  after(async () => {
    await Promise.all(running.map(async child => { await child.dispose() }))
    await rm(folder, { recursive: true, force: true })
  })

  function skein (...args: string[]): SkeinProcess {
    const child = new SkeinProcess(args)
    running.push(child)
    return child
  }

  async function reputation (...args: string[]): Promise<SkeinEvent[]> {
    const child = skein('reputation', ...args)
    expect((await child.exit()).code, child.stderr).to.equal(0)
    return child.events
  }

  it('lists who delivered to a gateway, and shows the receipts that both signed at both', async () => {
    const [peerData, gatewayData] = [join(folder, 'peer'), join(folder, 'gateway')]
    const peer = skein('peer', ...LOOPBACK, '--data', peerData, '--serve', 'smoke')
    const { id, addresses } = await peer.event('listening')
    await peer.event('ready')
    const gateway = skein('gateway', ...LOOPBACK, '--data', gatewayData, '--seed', addresses[0], '--port', '0')
    const { url } = await gateway.event('listening')
    for (let i = 0; i < 3; i++) {
      const response = await fetch(`${String(url)}/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'skein-smoke-1', max_tokens: 4, messages: [{ role: 'user', content: 'The sea' }] })
      })
      expect(response.status).to.equal(200)
      await response.json()
    }
    for (const child of [gateway, peer]) {
      child.kill('SIGTERM')
      await child.exit()
    }

    const listed = await reputation('list', '--data-dir', gatewayData)
    expect(listed[0]).to.deep.include({ event: 'standing', peer: id, service: 'inference', counted: 3 })
    const shown = await reputation('show', id, '--data-dir', gatewayData)
    const receipts = shown.filter(({ event }) => event === 'receipt')
    expect(receipts.map(({ receipt }) => [receipt.outcome, receipt.model])).to.deep.equal(Array.from({ length: 3 }, () => ['complete', 'skein-smoke-1']))
    expect(receipts.filter(({ signed }) => signed.length === 2), 'the last may have been on its way').to.have.length.at.least(2)
    expect(receipts[2]?.receipt.tokensOut).to.equal(4)
    const consumer = receipts[0]?.receipt.consumer
    const kept = (await reputation('show', consumer, '--data-dir', peerData)).filter(({ event }) => event === 'receipt')
    expect(kept.map(({ receipt }) => receipt.provider)).to.include(id).and.to.have.length.at.least(2)
  })
})
