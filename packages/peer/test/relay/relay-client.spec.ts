import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'chai'
import { RelayClient } from '../../src/relay/relay-client.ts'
import type { RelayClientComponents } from '../../src/relay/relay-client.ts'

/** Stands for the transport's store, which makes a second reservation when it is asked while the first is under way. */
class Store extends EventTarget {
  readonly made: Array<PromiseWithResolvers<{ details: { reservation: { addrs: Uint8Array[] } } }>> = []

  async addRelay (): Promise<{ details: { reservation: { addrs: Uint8Array[] } } }> {
    const made = Promise.withResolvers<{ details: { reservation: { addrs: Uint8Array[] } } }>()
    this.made.push(made)
    return await made.promise
  }
}

async function clientOf (store: Store): Promise<{ client: RelayClient, relay: string }> {
  const [own, relay] = await Promise.all(['own', 'relay'].map(async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))))
  const client = new RelayClient({
    peerId: own,
    addressManager: { confirmObservedAddr: () => {}, removeObservedAddr: () => {} },
    connectionManager: { getConnections: () => [{ remoteAddr: multiaddr('/ip4/192.0.2.1/tcp/1') }] },
    peerStore: { get: async () => ({ protocols: [] }) },
    transportManager: { getTransports: () => [{ [Symbol.toStringTag]: '@libp2p/circuit-relay-v2-transport', reservationStore: store }] }
  } as unknown as RelayClientComponents)
  client.start()
  return { client, relay: String(relay) }
}

const turn = async (): Promise<void> => { await new Promise(resolve => setImmediate(resolve)) }

describe('Reservations at a relay', () => {
  it('are asked for one at a time, whoever wants one, and again after a failure', async () => {
    const store = new Store()
    const { client, relay } = await clientOf(store)
    const reserve = async (): Promise<string> => await client.reserve({ peer: relay, addresses: [] }, new AbortController().signal)
      .then(() => 'made', (error: Error) => error.message)
    const both = Promise.all([reserve(), reserve()])
    await turn()
    expect(store.made).to.have.length(1)
    store.made[0]?.reject(new Error('full'))
    expect(await both).to.deep.equal(['full', 'full'])

    const again = reserve()
    await turn()
    expect(store.made).to.have.length(2)
    store.made[1]?.resolve({ details: { reservation: { addrs: [] } } })
    expect(await again).to.equal('made')
  })
})
