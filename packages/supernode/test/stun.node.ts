import { createSocket } from 'node:dgram'
import { networkInterfaces } from 'node:os'
import { randomBytes, SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { natMapping, StunListenError, stunQuery, StunRefusedError, StunResponder, StunTimeoutError } from '../src/node/index.ts'
import { BINDING, encodeStun, STUN_CLASS } from '../src/stun-message.ts'
import { routerOf } from './test-router.ts'
import type { StunResponderInit } from '../src/node/index.ts'
import type { RouterClass } from './test-router.ts'

const KINDS: RouterClass[] = ['endpoint_independent', 'address_dependent', 'address_and_port_dependent']

describe('STUN over UDP', function () {
  this.timeout(60_000)
  const open: StunResponder[] = []

  async function responder (init: StunResponderInit = {}): Promise<StunResponder> {
    const started = await StunResponder.start({ host: '127.0.0.1', port: 0, ...init })
    open.push(started)
    return started
  }

  afterEach(async () => {
    await Promise.all(open.splice(0).map(async one => { await one.stop() }))
  })

  it('tells a client the address that it sent from', async () => {
    const { address, counters } = await responder()
    const { mapped, local, other, roundTripMs } = await stunQuery(address)
    expect(mapped).to.deep.equal({ family: 'IPv4', ...local })
    expect(local.host).to.equal('127.0.0.1')
    expect(other).to.equal(undefined)
    expect(roundTripMs).to.be.at.least(0)
    expect(counters).to.deep.include({ answered_total: 1, ignored_total: 0 })
  })

  it('does so by name, and over IPv6', async function () {
    const { address } = await responder()
    expect((await stunQuery({ host: 'localhost', port: address.port })).mapped.host).to.equal('127.0.0.1')
    if (!Object.values(networkInterfaces()).flat().some(face => face?.family === 'IPv6')) {
      this.skip()
    }
    const six = await responder({ host: '::1' })
    expect((await stunQuery(six.address)).mapped).to.deep.include({ family: 'IPv6', host: '::1' })
  })

  it('sends again what was lost', async () => {
    const { address } = await responder()
    const lossy = routerOf('endpoint_independent', 'endpoint_independent', count => count < 3)
    const { roundTripMs } = await stunQuery(address, { rtoMs: 20, openSocket: lossy })
    expect(roundTripMs).to.be.at.least(20 + 40 + 80 - 5)
  })

  it('says so when there is no answer, and when it is told to end', async () => {
    const { address } = await responder()
    await open.pop()?.stop()
    expect(await stunQuery(address, { rtoMs: 5, sends: 3 }).catch(error => error)).to.be.instanceOf(StunTimeoutError)
    const controller = new AbortController()
    const asked = stunQuery(address, { signal: controller.signal })
    setTimeout(() => { controller.abort(new Error('enough')) }, 20)
    expect((await asked.catch(error => error)).message).to.equal('enough')
  })

  it('finds no router where there is none', async () => {
    const { address } = await responder({ alternatePort: 0 })
    expect(await natMapping([address], { rtoMs: 20 })).to.deep.include({ mapping: 'none', filtering: 'not_port_dependent', failed: [] })
  })

  for (const mapping of KINDS) {
    for (const filtering of KINDS) {
      it(`finds a router of mapping ${mapping}, filtering ${filtering}, with one server of two addresses`, async () => {
        const { address } = await responder({ alternatePort: 0, alternateHost: '127.0.0.2' })
        const found = await natMapping([address], { rtoMs: 20, filterSends: 2, openSocket: routerOf(mapping, filtering) })
        expect(found).to.deep.include({ mapping, filtering, failed: [] })
      })
    }

    it(`tells ${mapping} by two servers of one address each`, async () => {
      const servers = [await responder(), await responder({ host: '127.0.0.2' })]
      const found = await natMapping(servers.map(({ address }) => address), { rtoMs: 20, openSocket: routerOf(mapping, 'address_and_port_dependent') })
      // one port of each does not tell a mapping by address from one by address and port
      expect(found.mapping).to.equal(mapping === 'endpoint_independent' ? mapping : 'address_dependent')
      expect(found.filtering).to.equal('unknown')
    })
  }

  it('goes on to the next server when one does not answer', async () => {
    const gone = await responder()
    await open.pop()?.stop()
    const there = await responder()
    const found = await natMapping([gone.address, there.address], { rtoMs: 5, sends: 2 })
    expect(found.seen).to.have.length(1)
    expect(found.failed.map(({ server }) => server)).to.deep.equal([gone.address])
  })

  it('refuses a change of address that it does not have', async () => {
    const { address } = await responder({ alternatePort: 0 })
    const error = await stunQuery(address, { change: { ip: true } }).catch(error => error)
    expect(error).to.be.instanceOf(StunRefusedError)
    expect(error.code).to.equal(420)
  })

  it('tells the address that a router gives it', async () => {
    const { address } = await responder({ alternatePort: 0, announce: { host: '198.51.100.7' } })
    expect(address.host).to.equal('198.51.100.7')
    expect((await stunQuery({ host: '127.0.0.1', port: address.port })).other?.host).to.equal('198.51.100.7')
  })

  it('cannot listen where somebody else does, and leaves nothing open', async () => {
    const { address } = await responder()
    const error = await StunResponder.start({ host: '127.0.0.1', port: 0, alternatePort: address.port }).catch(error => error)
    expect(error).to.be.instanceOf(StunListenError)
    expect(error.port).to.equal(address.port)
    for (const init of [{ host: '0.0.0.0', alternatePort: 0 }, { host: '127.0.0.1', alternateHost: '127.0.0.2' }]) {
      expect(await StunResponder.start({ port: 0, ...init }).catch(error => error)).to.be.instanceOf(RangeError)
    }
  })

  it('answers a network so often, and no more', async () => {
    const { address, counters } = await responder({ limit: { ratePerSecond: 1, burst: 5 } })
    const asked = await Promise.allSettled(Array.from({ length: 8 }, async () => await stunQuery(address, { rtoMs: 5, sends: 1 })))
    expect(asked.filter(({ status }) => status === 'fulfilled')).to.have.length(5)
    expect(counters.limited_total).to.equal(3)
    // another /24
    expect((await stunQuery(address, { localHost: '127.0.9.1' })).mapped.host).to.equal('127.0.9.1')
  })

  it('answers after 100,000 packets of rubbish, and none of those', async () => {
    const { address, counters } = await responder({ limit: { ratePerSecond: 1e6, burst: 1e6 }, maxPerSecond: 1e6 })
    const socket = createSocket('udp4')
    let answers = 0
    socket.on('message', () => { answers++ })
    const random = new SeededRandom(5)
    const questions = Array.from({ length: 500 }, (_, i) => {
      const bytes = i % 2 === 0
        ? randomBytes(random, 1 + i)
        : encodeStun({
          method: BINDING, class: STUN_CLASS.request, transactionId: randomBytes(random, 12), attributes: [{ type: i, value: randomBytes(random, i % 64) }],
          hasFingerprint: true
        })
      // a bit or more is wrong, in what a FINGERPRINT covers
      const at = i % Math.max(1, bytes.length - 8)
      bytes[at] = (bytes[at] as number) ^ 1 + i % 255
      return bytes
    })
    const before = process.memoryUsage().heapUsed
    for (let sent = 0; sent < 100_000;) {
      const arrived = counters.ignored_total
      for (let i = 0; i < 50; i++) {
        socket.send(questions[sent++ % questions.length] as Uint8Array, address.port, address.host)
      }
      // the system drops what nobody takes, so that the responder is given time
      for (let waits = 0; counters.ignored_total < arrived + 50 && waits < 20; waits++) {
        await new Promise(resolve => { setImmediate(resolve) })
      }
    }
    const { mapped } = await stunQuery(address)
    socket.close()
    process.stdout.write(`      ${counters.ignored_total} of 100,000 arrived and were ignored, ${answers} answered\n`)
    expect(mapped.host).to.equal('127.0.0.1')
    expect(answers).to.equal(0)
    expect(counters.ignored_total).to.be.above(90_000)
    expect(process.memoryUsage().heapUsed - before).to.be.below(64 * 1024 * 1024)
  })
})
