/** A peer of an attack: it subscribes, grafts itself onto everybody, takes what it is sent and passes nothing on. */
import { gossipsub } from '@libp2p/gossipsub'
import { insideOf } from '../../src/gossip/gossip-inside.ts'
import type { GossipSub } from '@libp2p/gossipsub'

export function silentGossip (): (components: Parameters<ReturnType<typeof gossipsub>>[0]) => GossipSub {
  return components => {
    const service = gossipsub({
      D: 100, Dlo: 99, Dhi: 200, Dout: 0, floodPublish: false, allowPublishToZeroTopicPeers: true, scoreParams: { IPColocationFactorWeight: 0 }
    })(components)
    const inside = insideOf(service)
    const handleReceivedRpc = inside.handleReceivedRpc.bind(service)
    // it does not even look at messages: their signatures would cost this process more than all else of the test
    inside.handleReceivedRpc = async (from, rpc) => { await handleReceivedRpc(from, { ...rpc, messages: [] }) }
    Object.assign(service, { forwardMessage: () => {}, emitGossip: () => {}, handleIWant: () => [] })
    return service
  }
}
