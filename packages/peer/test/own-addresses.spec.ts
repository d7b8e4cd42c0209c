import { multiaddr } from '@multiformats/multiaddr'
import { ManualClock } from '@skein/core'
import { expect } from 'chai'
import { TypedEventEmitter } from 'main-event'
import { OwnAddresses } from '../src/own-addresses.ts'
import type { OwnAddressesComponents } from '../src/own-addresses.ts'

describe('own public addresses', () => {
  const clock = new ManualClock(1_000_000)
  const own = [{ type: 'transport', verified: true, multiaddr: multiaddr('/ip4/127.0.0.1/tcp/1') }]
  const confirmed: string[] = []
  const components = {
    events: new TypedEventEmitter(),
    addressManager: {
      getAddressesWithMetadata: () => own,
      confirmObservedAddr: (address: unknown, options?: { type: string }) => { confirmed.push(`${address} ${options?.type}`) }
    }
  } as unknown as OwnAddressesComponents
  const service = new OwnAddresses(components, clock)

  after(() => { service.stop() })

  it('are confirmed when a transport listens, those alone that libp2p keeps back', () => {
    service.start()
    expect(confirmed).to.deep.equal([])
    own.push({ type: 'transport', verified: false, multiaddr: multiaddr('/ip4/192.0.2.1/tcp/1') })
    own.push({ type: 'observed', verified: false, multiaddr: multiaddr('/ip4/198.51.100.1/tcp/2') })
    components.events.dispatchEvent(new CustomEvent('transport:listening'))
    expect(confirmed).to.deep.equal(['/ip4/192.0.2.1/tcp/1 transport'])
  })

  it('and when an interface has another one', () => {
    confirmed.length = 0
    own.splice(1, 2, { type: 'transport', verified: false, multiaddr: multiaddr('/ip4/203.0.113.1/tcp/1') })
    clock.advance(5_000)
    expect(confirmed).to.deep.equal(['/ip4/203.0.113.1/tcp/1 transport'])
  })
})
