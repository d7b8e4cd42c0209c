/** What a peer with a gateway shows of itself. */
import { createPeer, MESH_METRICS } from '@skein/peer'
import { expect } from 'chai'
import { startGateway } from '../src/peer-gateway.ts'

describe('the gateway of a peer', function () {
  this.timeout(30_000)

  it('shows at /metrics what the services of the peer count, each with its help and type', async () => {
    const peer = await createPeer({ listen: ['/ip4/127.0.0.1/tcp/0'], region: 'lab' })
    const gateway = await startGateway(peer, { port: 0 })
    try {
      const text = await (await fetch(`${gateway.url}/metrics`)).text()
      for (const { name, help, type } of MESH_METRICS) {
        expect(text).to.include(`# HELP ${name} ${help}\n`)
        expect(text).to.include(`# TYPE ${name} ${type}\n`)
      }
      expect(text).to.match(/^skein_peer_open_connections 0$/m)
      expect(text).to.match(/^skein_routing_lookups_total \d+$/m)
      expect(text).to.match(/^skein_routing_held_keys \d+$/m)
      expect(text).to.match(/^skein_pex_view_records 0$/m)
      expect(text).to.match(/^skein_gossip_topics \d+$/m)
      expect(text).to.match(/^skein_cluster_members\{scope="lab\/all\/"\} 1$/m)
    } finally {
      await gateway.stop()
      await peer.stop()
    }
  })
})
