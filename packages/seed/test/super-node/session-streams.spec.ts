import { expect } from 'chai'
import { sessionStreams } from '../../src/index.ts'
import type { SessionIngest } from '@skein/supernode/libp2p'

const PORTS = { srtlaPort: 5000, playerPort: 4000 }

function carrying (streams: Map<string, string>, addresses: string[] = ['/ip4/192.0.2.7/tcp/7310']): SessionIngest {
  return sessionStreams({
    capacity: 2,
    book: {
      addStream: async ({ publisher, player }) => {
        if (streams.has(player)) {
          throw new Error('It is there already')
        }
        streams.set(player, publisher)
      },
      removeStream: async player => { streams.delete(player) }
    },
    addresses: () => addresses,
    ports: () => PORTS
  })
}

describe('Streams of sessions at a super-node', () => {
  it('are let in and out by their token', async () => {
    const streams = new Map<string, string>()
    const { admit, revoke } = carrying(streams)
    await admit({ sessionId: 'ann/s', streamToken: 'one', fence: 1 })
    await admit({ sessionId: 'ann/s', streamToken: 'one', fence: 2 })
    expect([...streams]).to.deep.equal([['play_one', 'live_one']])
    await admit({ sessionId: 'ann/s', streamToken: 'two', fence: 3 })
    expect([...streams]).to.deep.equal([['play_two', 'live_two']])
    await revoke({ sessionId: 'ann/s', fence: 3 })
    await revoke({ sessionId: 'bob/s', fence: 1 })
    expect([...streams]).to.deep.equal([])
  })

  it('do not take a token that is somebody else\'s', async () => {
    const streams = new Map<string, string>()
    const { admit, revoke } = carrying(streams)
    await admit({ sessionId: 'ann/s', streamToken: 'one', fence: 1 })
    const refusal = await Promise.resolve(admit({ sessionId: 'eve/s', streamToken: 'one', fence: 1 })).then(() => 'taken', () => 'refused')
    expect(refusal).to.equal('refused')
    await revoke({ sessionId: 'eve/s', fence: 1 })
    expect(streams.size).to.equal(1)
  })

  const cases: Array<[string, string[], string | undefined]> = [
    ['the first address', ['/ip4/192.0.2.7/tcp/7310', '/ip4/198.51.100.1/tcp/1'], '192.0.2.7'],
    ['a name', ['/dns4/relay.example.org/tcp/443/tls/ws'], 'relay.example.org'],
    ['none that goes through a relay', ['/ip4/192.0.2.9/tcp/1/p2p/x/p2p-circuit'], undefined],
    ['nowhere while it has no address', [], undefined]
  ]
  for (const [name, addresses, host] of cases) {
    it(`are sent to ${name}`, () => {
      const place = carrying(new Map(), addresses).place()
      expect(place).to.deep.equal(host === undefined ? undefined : { ingestHost: host, ingestPort: 5000, playHost: host, playPort: 4000 })
    })
  }
})
