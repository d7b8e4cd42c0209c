import { expect } from 'chai'
import { SkeinProcess } from './skein-process.ts'

const LOOPBACK = ['--listen', '/ip4/127.0.0.1/tcp/0', '--ephemeral']

describe('skein measure', function () {
  this.timeout(120_000)
  const running: SkeinProcess[] = []

  function skein (...args: string[]): SkeinProcess {
    const child = new SkeinProcess(args)
    running.push(child)
    return child
  }

  after(async () => {
    await Promise.all(running.map(async child => { await child.dispose() }))
  })

  it('tells the memory of a peer and the speed of its model, then that it is busy', async () => {
    const peer = skein('peer', ...LOOPBACK, '--serve', 'smoke', '--pace', '50')
    const { id, addresses: [address] } = await peer.event('listening')
    await peer.event('ready')
    const first = skein('measure', id, '--seed', address, '--model', 'skein-smoke-1', '--memory', '64', '--json')
    expect((await first.exit()).code).to.equal(0)
    const [measured] = first.events.filter(({ event }) => event === 'measured')
    expect(measured).to.deep.include({ peer: id, model: 'skein-smoke-1', ramBytes: 64 * 1024 * 1024 })
    expect(measured?.tokensPerSecond).to.be.within(5, 100)
    expect(measured?.judgements).to.deep.include({ ...measured?.judgements[0], what: 'tokensPerSecond', verdict: 'holds' })

    // the first asked the model too, and was no stranger any more; strangers whose network is not known share one answer an hour
    expect((await skein('measure', address, '--seed', address, '--memory', '64').exit()).code).to.equal(0)
    const third = skein('measure', address, '--seed', address, '--memory', '64')
    expect((await third.exit()).code).to.equal(1)
    expect(third.events.find(({ event }) => event === 'error')).to.include({ name: 'CapabilityError', code: 'busy' })
  })

  it('is asked wrongly with a size that is no power of two', async () => {
    expect((await skein('measure', 'someone', '--memory', '100').exit()).code).to.equal(2)
  })
})
