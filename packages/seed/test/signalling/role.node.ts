import { createPeer } from '@skein/peer'
import { PROTOCOLS } from '@skein/records'
import { expect } from 'chai'
import { resolveConfig, startSeedNode } from '../../src/node/index.ts'
import type { SeedLog, SeedNode } from '../../src/node/index.ts'

describe('the role signal', function () {
  this.timeout(30_000)
  let node: SeedNode | undefined
  const log = { info () {}, warn () {}, error () {}, debug () {} } as unknown as SeedLog

  async function start (roles?: string): Promise<SeedNode> {
    const { config } = resolveConfig({ flags: { listen: ['/ip4/127.0.0.1/tcp/0'], http: '127.0.0.1:0', ephemeral: true, drain: '1', roles } })
    node = await startSeedNode({ config, log, libp2pMetrics: false })
    return node
  }

  afterEach(async () => { await node?.stop() })

  it('is there unless roles are given without it', async () => {
    expect((await start()).seed.peer.libp2p.getProtocols()).to.include(PROTOCOLS.signal)
    await node?.stop()
    const without = await start('discover,bootstrap')
    expect(without.seed.signalling).to.equal(undefined)
    expect(without.seed.peer.libp2p.getProtocols()).not.to.include(PROTOCOLS.signal)
  })

  it('shows in the metrics, and ends with the drain', async () => {
    const { seed, httpUrl } = await start()
    const [alice, bob] = [await createPeer({ listen: [], bootstrap: seed.addresses }), await createPeer({ listen: [], bootstrap: seed.addresses })]
    try {
      bob.signals.handle(() => {})
      while (alice.signals.seeds.length + bob.signals.seeds.length < 2) {
        await new Promise(resolve => setTimeout(resolve, 10))
      }
      await alice.signals.send(bob.id, 'offer', Uint8Array.of(1))
      const refused = await alice.signals.send('12D3KooWBhMbLvQGgBRZ1KcH1nFEhZ2DfGqPQnkxSpQPxvNBMoBo', 'offer', Uint8Array.of(1)).catch(error => error.reason)
      expect(refused).to.equal('peer_not_found')
      const text = await (await fetch(`${httpUrl}/metrics`)).text()
      expect(text).to.match(/^skein_seed_signal_sessions 2$/m)
      expect(text).to.match(/^skein_seed_signal_queue_bytes 0$/m)
      expect(text).to.match(/^skein_seed_signals_total\{outcome="delivered",path="local"\} 1$/m)
      expect(text).to.match(/^skein_seed_signals_total\{outcome="peer_not_found",path="none"\} [1-9]/m)
      const stopping = node?.stop()
      while (seed.signalling?.stats().sessions !== 0) {
        await new Promise(resolve => setTimeout(resolve, 10))
      }
      await stopping
    } finally {
      await Promise.all([alice.stop(), bob.stop()])
    }
  })
})
