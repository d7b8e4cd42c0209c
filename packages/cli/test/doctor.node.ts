import { createServer } from 'node:net'
import { once } from 'node:events'
import { expect } from 'chai'
import { SkeinProcess } from './skein-process.ts'
import type { AddressInfo } from 'node:net'

describe('skein doctor', function () {
  this.timeout(60_000)
  const running: SkeinProcess[] = []
  let seed: string

  function skein (...args: string[]): SkeinProcess {
    const child = new SkeinProcess(args)
    running.push(child)
    return child
  }

  before(async () => {
    const child = skein('seed', '--listen', '/ip4/127.0.0.1/tcp/0', '--ephemeral', '--stun', '127.0.0.1:0', '--log-level', 'silent')
    seed = (await child.event('listening')).addresses[0] as string
  })

  after(async () => {
    await Promise.all(running.map(async child => { await child.dispose() }))
  })

  it('tells of a seed on this machine that it answers and what its clock says, and that it cannot see this peer from outside', async () => {
    const child = skein('doctor', '--seed', seed, '--listen', '/ip4/127.0.0.1/tcp/0')
    const diagnosis = await child.event('diagnosis')
    expect(diagnosis.verdict).to.equal('relayed')
    expect(diagnosis.findings.seeds).to.have.length(1)
    expect(diagnosis.findings.seeds[0]).to.include({ address: seed, answered: true })
    expect(diagnosis.findings.seeds[0].roundTripMs).to.be.within(0, 5_000)
    expect(Math.abs(diagnosis.clockAheadMs)).to.be.below(5_000)
    expect(diagnosis.problems.map(({ code }: { code: string }) => code)).to.include.members(['no_verifier', 'single_relay'])
    expect((await child.exit()).code).to.equal(0)
    expect(child.events.filter(({ event }) => event === 'step').map(({ step }) => step)).to.include.members(['start', 'seeds', 'relays'])
  })

  it('says which port is taken, and goes on without', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    try {
      const child = skein('doctor', '--seed', seed, '--listen', `/ip4/127.0.0.1/tcp/${port}`)
      const { problems, findings } = await child.event('diagnosis')
      expect(problems[0]).to.include({ code: 'listen_failed' })
      expect(findings.listenProblem).to.include(String(port))
      expect((await child.exit()).code).to.equal(1)
    } finally {
      server.close()
    }
  })

  it('ends with 1 when no seed answers, saying why', async () => {
    const silent = '/ip4/127.0.0.1/tcp/1/p2p/12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB'
    const child = skein('doctor', '--seed', silent)
    const { verdict, findings } = await child.event('diagnosis')
    expect(verdict).to.equal('unreachable')
    expect(findings.seeds).to.deep.include({ address: silent, answered: false, stun: [], problem: 'nothing listens there: connection refused' })
    expect((await child.exit()).code).to.equal(1)
  })

  it('ends with 2 when it is asked wrongly', async () => {
    expect((await skein('doctor', '--seed', 'somewhere').exit()).code).to.equal(2)
    expect((await skein('doctor', '--stun', 'stun.example.org').exit()).code).to.equal(2)
  })

  it('ends at once when it is told to', async () => {
    const child = skein('doctor', '--seed', seed)
    await child.event('step')
    child.kill('SIGINT')
    expect((await child.exit()).code).to.equal(130)
    expect(child.events.some(({ event }) => event === 'diagnosis')).to.equal(false)
  })
})
