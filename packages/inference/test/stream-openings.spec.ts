import { expect } from 'chai'
import { StreamOpenings } from '../src/libp2p/stream-openings.ts'
import type { Connection, Stream } from '@libp2p/interface'

describe('StreamOpenings', () => {
  const connection = {} as Connection

  it('lets one stream go first on a connection, and the others together after it', async () => {
    const openings = new StreamOpenings()
    const opened: Array<PromiseWithResolvers<Stream>> = []
    const newStream = async (): Promise<Stream> => {
      opened.push(Promise.withResolvers<Stream>())
      return (opened.at(-1) as PromiseWithResolvers<Stream>).promise
    }
    const all = [1, 2, 3].map(async () => openings.open(connection, newStream))
    await new Promise(resolve => { setImmediate(resolve) })
    expect(opened.length).to.equal(1)
    opened[0]?.resolve({} as Stream)
    await all[0]
    await new Promise(resolve => { setImmediate(resolve) })
    expect(opened.length).to.equal(3)
  })

  it('lets the next go first when the first fails', async () => {
    const openings = new StreamOpenings()
    const stream = {} as Stream
    const failing = openings.open(connection, async () => { throw new Error('no') })
    const next = openings.open(connection, async () => stream)
    expect(await failing.catch((error: Error) => error.message)).to.equal('no')
    expect(await next).to.equal(stream)
  })
})
