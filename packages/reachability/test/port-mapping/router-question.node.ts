import { createSocket } from 'node:dgram'
import { systemClock } from '@skein/core/system'
import { expect } from 'chai'
import { NatPmpClient } from '../../src/node/port-mapping/nat-pmp-client.ts'
import { PcpClient } from '../../src/node/port-mapping/pcp-client.ts'
import { ROUTER_PORT } from '../../src/port-mapping/nat-pmp-message.ts'
import { PortMappingError } from '../../src/port-mapping/router-mapping.ts'
import type { Socket } from 'node:dgram'

/** Loopback addresses that stand for routers: the port is the same for all. */
const ROUTER = '127.77.0.1'
const OTHER = '127.77.0.2'
const ADDRESS_ANSWER = Uint8Array.from(Buffer.from('00800000000000012d010702', 'hex'))

describe('a question to a router', function () {
  this.timeout(30_000)
  const open: Socket[] = []
  const clock = systemClock()
  const never = new AbortController().signal

  afterEach(() => { open.splice(0).forEach(socket => { socket.close() }) })

  async function router (host: string, onQuestion: (question: Buffer, answer: (bytes: Uint8Array) => void, from: { port: number, address: string }) => void): Promise<Socket> {
    const socket = createSocket('udp4')
    open.push(socket)
    socket.on('message', (question, from) => {
      onQuestion(question, bytes => { socket.send(bytes, from.port, from.address) }, from)
    })
    await new Promise<void>(resolve => { socket.bind(ROUTER_PORT, host, resolve) })
    return socket
  }

  it('is sent again when it or its answer was lost', async () => {
    const times: number[] = []
    await router(ROUTER, (_, answer) => {
      times.push(performance.now())
      if (times.length === 3) {
        answer(ADDRESS_ANSWER)
      }
    })
    const client = new NatPmpClient(ROUTER, clock)
    expect(await client.look({} as never, never)).to.deep.equal({ epochS: 1, externalAddress: '45.1.7.2' })
    expect(times).to.have.lengthOf(3)
    expect((times[1] as number) - (times[0] as number)).to.be.above(200)
    expect((times[2] as number) - (times[1] as number)).to.be.above(400)
  })

  it('is answered by the router alone, and by an answer to it', async () => {
    const stranger = await router(OTHER, () => {})
    await router(ROUTER, (_, answer, from) => {
      stranger.send(Buffer.from('0080000000000001c0000201', 'hex'), from.port, from.address)
      answer(Buffer.from('00820000000000021c8f1c8f00000e10', 'hex'))
      setTimeout(() => { answer(ADDRESS_ANSWER) }, 50)
    })
    expect(await new NatPmpClient(ROUTER, clock).look({} as never, never)).to.include({ externalAddress: '45.1.7.2' })
  })

  it('finds nothing where nobody answers, and a router that speaks NAT-PMP alone is none of PCP', async () => {
    expect(await NatPmpClient.find(OTHER, clock, never)).to.equal(undefined)
    await router(ROUTER, (question, answer) => {
      answer(question[0] === 2 ? Buffer.from('0081000100000002', 'hex') : ADDRESS_ANSWER)
    })
    expect(await PcpClient.find({ router: ROUTER, nonceOf: () => new Uint8Array(12), clock }, never)).to.equal(undefined)
    expect(await NatPmpClient.find(ROUTER, clock, never)).to.be.instanceOf(NatPmpClient)
  })

  it('is over at once when the router refuses', async () => {
    await router(ROUTER, (_, answer) => { answer(Buffer.from('008000020000000200000000', 'hex')) })
    const failure = await new NatPmpClient(ROUTER, clock).map({ internalPort: 7311, externalPort: 7311, lifetimeMs: 3_600_000 }, never)
      .catch((error: unknown) => error)
    expect(failure).to.be.instanceOf(PortMappingError).with.property('problem', 'refused')
  })

  it('ends when its signal fires', async () => {
    await router(ROUTER, () => {})
    const stop = new AbortController()
    const looking = new NatPmpClient(ROUTER, clock).look({} as never, stop.signal)
    stop.abort(new Error('enough'))
    expect(await looking.catch((error: Error) => error.message)).to.equal('enough')
  })
})
