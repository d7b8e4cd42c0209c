import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { PROTOCOLS } from '@skein/records'
import { systemClock, systemRandom } from '@skein/core/system'
import { expect } from 'chai'
import { createLibp2p } from 'libp2p'
import { DialBackAsker } from '../src/libp2p/index.ts'
import { addressesOf, identified, loopbackNetwork, nodeAt } from './dial-back-fixture.ts'
import type { Libp2p } from '@libp2p/interface'
import type { DialBackComponents } from '../src/libp2p/index.ts'
import type { DialBackNode } from './dial-back-fixture.ts'

describe('a node that asks to be dialled back and dials nobody back', function () {
  this.timeout(60_000)
  const open: Libp2p[] = []
  let asker: DialBackAsker
  let node: Libp2p
  let verifier: DialBackNode

  beforeEach(async () => {
    node = await createLibp2p({
      addresses: { listen: ['/ip4/127.20.0.1/tcp/0'] },
      transports: [tcp({ dialOpts: { localAddress: '127.20.0.1' } as object })],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionMonitor: { enabled: false },
      services: {
        identify: identify(),
        asker: (components: DialBackComponents) => {
          asker = new DialBackAsker(components, { networkOf: loopbackNetwork, clock: systemClock(), random: systemRandom() })
          return asker
        }
      }
    })
    verifier = await nodeAt('127.21.0.1')
    open.push(node, verifier)
    await node.dial(verifier.getMultiaddrs())
    await identified(node as DialBackNode, verifier.peerId)
  })

  afterEach(async () => { await Promise.all(open.splice(0).map(async one => { await one.stop() })) })

  it('hears who comes, at one address and in vain at another, and speaks the protocol no longer than it asks', async () => {
    expect(node.getProtocols()).to.not.include(PROTOCOLS.dialBack)
    const [address = ''] = addressesOf(node)
    const port = Number(address.split('/')[4])
    const wrong = `/ip4/127.20.0.1/tcp/${port === 65_535 ? port - 1 : port + 1}`
    const asking = asker.askDialBack([address, wrong])
    const asked = await asking
    expect(asked.map(({ byVerifier }) => byVerifier.map(({ said }) => said))).to.deep.equal([['reached'], ['failed']])
    expect(node.getProtocols()).to.not.include(PROTOCOLS.dialBack)
  })

  it('may ask several things at once', async () => {
    const [address = ''] = addressesOf(node)
    const answers = await Promise.all([asker.askDialBack([address]), asker.askDialBack([address])])
    expect(answers.map(([first]) => first?.byVerifier[0]?.said)).to.deep.equal(['reached', 'reached'])
    expect(node.getProtocols()).to.not.include(PROTOCOLS.dialBack)
  })

  it('does not believe a hello that nobody asked for', async () => {
    const connection = await verifier.dial(node.getMultiaddrs())
    let failure: Error | undefined
    await connection.newStream(PROTOCOLS.dialBack).catch(error => { failure = error as Error })
    expect(failure?.name).to.equal('UnsupportedProtocolError')
  })
})
