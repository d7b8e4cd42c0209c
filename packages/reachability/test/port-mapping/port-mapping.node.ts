import { createSocket } from 'node:dgram'
import { expect } from 'chai'
import { PortMapping } from '../../src/node/index.ts'
import { ROUTER_PORT } from '../../src/port-mapping/nat-pmp-message.ts'
import type { Socket } from 'node:dgram'
import type { RouterMapping } from '../../src/port-mapping/index.ts'

/** A loopback address that stands for a router of NAT-PMP. A real one is in the laboratory of `@skein/testnet`. */
const ROUTER = '127.77.0.3'

describe('ports kept mapped at a router', function () {
  this.timeout(30_000)
  let router: Socket
  let lifetimes: number[]

  beforeEach(async () => {
    lifetimes = []
    router = createSocket('udp4')
    router.on('message', (question, from) => {
      const answer = Buffer.alloc(question.length === 2 ? 12 : 16)
      answer[1] = 128 + (question[1] ?? 0)
      answer.writeUInt32BE(1_000, 4)
      if (question.length === 2) {
        answer.set([45, 1, 7, 2], 8)
      } else {
        lifetimes.push(question.readUInt32BE(8))
        question.copy(answer, 8, 4, 12)
      }
      router.send(answer, from.port, from.address)
    })
    await new Promise<void>(resolve => { router.bind(ROUTER_PORT, ROUTER, resolve) })
  })

  afterEach(() => { router.close() })

  it('are asked for, and given back at the end', async () => {
    const { promise: opened, resolve } = Promise.withResolvers<RouterMapping>()
    const closed: number[] = []
    const mapping = new PortMapping({
      router: ROUTER, protocols: ['nat-pmp'], lifetimeMs: 600_000, onOpened: resolve, onClosed: ({ externalPort }) => { closed.push(externalPort) }
    })
    mapping.setPorts([7311])
    expect(await opened).to.deep.equal({
      protocol: 'nat-pmp',
      router: ROUTER,
      internalAddress: '127.0.0.1',
      internalPort: 7311,
      externalAddress: '45.1.7.2',
      externalPort: 7311,
      lifetimeMs: 600_000,
      epochS: 1_000
    })
    await mapping.stop()
    expect(closed).to.deep.equal([7311])
    expect(lifetimes).to.deep.equal([600, 0])
  })

  it('are asked for anew in another network', async () => {
    const opened: RouterMapping[] = []
    const mapping = new PortMapping({ router: ROUTER, protocols: ['nat-pmp'], onOpened: one => { opened.push(one) } })
    mapping.setPorts([7311])
    mapping.networkChanged() // while it is being asked
    while (opened.length === 0) {
      await new Promise(resolve => setTimeout(resolve, 10))
    }
    mapping.networkChanged()
    while (opened.length === 1) {
      await new Promise(resolve => setTimeout(resolve, 10))
    }
    expect(mapping.mappings).to.have.lengthOf(1)
    await mapping.stop()
  })

  it('hold nobody up who stops while a router is looked for', async () => {
    const mapping = new PortMapping({ router: '127.77.0.4', protocols: ['pcp', 'nat-pmp'] })
    const silent = createSocket('udp4')
    await new Promise<void>(resolve => { silent.bind(ROUTER_PORT, '127.77.0.4', resolve) })
    mapping.setPorts([7311])
    await new Promise(resolve => setTimeout(resolve, 50))
    const startMs = performance.now()
    await mapping.stop()
    silent.close()
    expect(performance.now() - startMs).to.be.below(2_000)
    expect(mapping.counters.mapped_total).to.equal(0)
  })

  it('refuse options that make no sense', () => {
    expect(() => new PortMapping({ lifetimeMs: 1_000 })).to.throw(RangeError)
    expect(() => new PortMapping({ protocols: [] })).to.throw(RangeError)
    expect(() => new PortMapping({ protocols: ['igd' as 'upnp'] })).to.throw(RangeError)
  })
})
