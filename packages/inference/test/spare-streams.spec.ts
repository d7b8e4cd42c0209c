import { ManualClock } from '@skein/core'
import { expect } from 'chai'
import { SpareStreams } from '../src/libp2p/spare-streams.ts'
import type { Connection, Stream } from '@libp2p/interface'

/** As much of a stream as a spare needs. */
class FakeStream extends EventTarget {
  status = 'open'
  remoteWriteStatus = 'writable'

  abort (): void {
    this.status = 'aborted'
    this.dispatchEvent(new Event('close'))
  }
}

const connectionOf = (limits?: object): Connection => ({ limits, remoteAddr: '/ip4/192.0.2.1/tcp/4001' }) as unknown as Connection
const settled = async (): Promise<void> => { await new Promise(resolve => { setImmediate(resolve) }) }

describe('spare streams', () => {
  let clock: ManualClock
  let spares: SpareStreams
  let opened: FakeStream[]
  const open = async (): Promise<Stream> => {
    opened.push(new FakeStream())
    return opened.at(-1) as unknown as Stream
  }

  beforeEach(() => {
    clock = new ManualClock()
    spares = new SpareStreams(clock)
    opened = []
  })

  it('are one for each connection, taken once', async () => {
    const connection = connectionOf()
    expect(spares.take(connection)).to.equal(undefined)
    spares.refill(connection, open)
    spares.refill(connection, open)
    await settled()
    spares.refill(connection, open)
    expect(opened).to.have.length(1)
    expect(spares.take(connectionOf())).to.equal(undefined)
    expect(spares.take(connection)).to.equal(opened[0])
    expect(spares.take(connection)).to.equal(undefined)
    clock.advance(60_000)
    expect(opened[0]?.status).to.equal('open')
  })

  it('are given up when nobody needs them in time', async () => {
    const connection = connectionOf()
    spares.refill(connection, open)
    await settled()
    clock.advance(7_000)
    expect(opened[0]?.status).to.equal('aborted')
    expect(spares.take(connection)).to.equal(undefined)
  })

  it('are not handed out once the other side has closed them', async () => {
    for (const close of [(stream: FakeStream) => { stream.abort() }, (stream: FakeStream) => { stream.remoteWriteStatus = 'closed' }]) {
      const connection = connectionOf()
      spares.refill(connection, open)
      await settled()
      close(opened.at(-1) as FakeStream)
      expect(spares.take(connection)).to.equal(undefined)
    }
  })

  it('are not opened on a relayed connection, nor after the stop', async () => {
    spares.refill(connectionOf({ seconds: 120 }), open)
    const connection = connectionOf()
    spares.refill(connection, open)
    spares.stop()
    await settled()
    spares.refill(connectionOf(), open)
    expect(opened.map(({ status }) => status)).to.deep.equal(['aborted'])
    expect(spares.take(connection)).to.equal(undefined)
  })

  it('do no harm when they cannot be opened', async () => {
    const connection = connectionOf()
    spares.refill(connection, async () => { throw new Error('no') })
    await settled()
    spares.refill(connection, open)
    await settled()
    expect(spares.take(connection)).to.equal(opened[0])
  })
})
