import { multiaddrConnectionPair } from '@libp2p/utils'
import { expect } from 'chai'
import { streamMuxer } from '../src/stream-muxer.ts'

describe('the stream muxer', () => {
  it('aborts a stream, and throws nothing that cannot be caught, when its connection closes as it opens', async () => {
    const uncaught: unknown[] = []
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', error => uncaught.push(error))
    try {
      const [connection] = multiaddrConnectionPair()
      const muxer = streamMuxer({ yamux: { enableKeepAlive: false } })().createStreamMuxer(connection)
      const opening = muxer.createStream()
      Object.assign(connection, { writeStatus: 'closing' })
      const stream = await opening
      await new Promise(resolve => setImmediate(resolve))
      expect(stream.status).to.equal('aborted')
      expect(uncaught).to.deep.equal([])
    } finally {
      process.removeAllListeners('uncaughtException')
      listeners.forEach(listener => process.on('uncaughtException', listener))
    }
  })
})
