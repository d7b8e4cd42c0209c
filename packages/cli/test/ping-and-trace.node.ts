import { expect } from 'chai'
import { SkeinProcess } from './skein-process.ts'

const LOOPBACK = ['--listen', '/ip4/127.0.0.1/tcp/0', '--ephemeral']
const NOBODY = '12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB'

describe('looking at the way to others', function () {
  this.timeout(60_000)
  const running: SkeinProcess[] = []
  let seed: string
  let provider: string

  function skein (...args: string[]): SkeinProcess {
    const child = new SkeinProcess(args)
    running.push(child)
    return child
  }

  before(async () => {
    const started = skein('seed', ...LOOPBACK, '--log-level', 'silent')
    seed = (await started.event('listening')).addresses[0] as string
    const peer = skein('peer', ...LOOPBACK, '--seed', seed, '--serve', 'smoke')
    provider = (await peer.event('listening')).id as string
    await peer.event('ready')
  })

  after(async () => {
    await Promise.all(running.map(async child => { await child.dispose() }))
  })

  it('skein ping finds a peer by its id and tells each round trip, the path and the sum', async () => {
    const child = skein('ping', provider, '--seed', seed, '--count', '3', '--interval', '0.1')
    expect((await child.exit()).code).to.equal(0)
    const pongs = child.events.filter(({ event }) => event === 'pong')
    expect(pongs.map(({ n, path }) => [n, path])).to.deep.equal([[1, 'direct'], [2, 'direct'], [3, 'direct']])
    const summary = await child.event('summary')
    expect(summary).to.include({ peer: provider, sent: 3, received: 3, loss: 0, path: 'direct' })
    expect(summary.minMs).to.be.above(0)
    expect(summary.avgMs).to.be.within(summary.minMs, summary.maxMs)
  })

  it('skein ping dials an address', async () => {
    const child = skein('ping', seed, '--count', '1')
    expect((await child.exit()).code).to.equal(0)
  })

  it('skein ping sums up when it is told to stop', async () => {
    const child = skein('ping', seed, '--count', '1000', '--interval', '0.1')
    await child.event('pong', ({ n }) => n === 2)
    child.kill('SIGINT')
    expect((await child.exit()).code).to.equal(0)
    expect((await child.event('summary')).sent).to.be.within(2, 999)
  })

  it('skein ping says that it finds nobody', async () => {
    const child = skein('ping', NOBODY, '--seed', seed, '--timeout', '2')
    expect((await child.exit()).code).to.equal(1)
    expect(await child.event('error')).to.include({ name: 'PeerSilentError' })
    expect((await skein('ping', NOBODY, '--interval', 'often').exit()).code).to.equal(2)
  })

  it('skein trace tells of each step to a provider, in the order of time, to the first token', async () => {
    const child = skein('trace', 'skein-smoke-1', '--seed', seed, '--call', 'Call me')
    expect((await child.exit()).code).to.equal(0)
    const names = child.events.map(({ event }) => event)
    for (const name of ['joined', 'seed', 'lookup', 'lookup-asked', 'lookup-answered', 'offer', 'found', 'ranked', 'path', 'first-token', 'answer', 'end']) {
      expect(names, name).to.include(name)
    }
    const times = child.events.map(({ sinceMs }) => sinceMs as number)
    expect(times.every(time => typeof time === 'number')).to.equal(true)
    expect(await child.event('offer')).to.include({ provider })
    expect(await child.event('ranked')).to.include({ provider, place: 1 })
    expect(await child.event('path')).to.include({ provider, path: 'direct' })
    expect(await child.event('first-token')).to.include({ provider, path: 'direct', attempts: 1 })
    expect((await child.event('answer')).characters).to.be.above(0)
  })

  it('skein trace says that nobody serves a model, after what it asked', async () => {
    const child = skein('trace', 'no-such-model', '--seed', seed)
    expect((await child.exit()).code).to.equal(1)
    expect(await child.event('found')).to.include({ offers: 0 })
    expect(await child.event('error')).to.include({ code: 'no_provider' })
  })
})
