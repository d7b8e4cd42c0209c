/** What a user may set of how a peer reaches others. */
import type { RelayBudgetInit } from '@skein/reachability'
import type { WebRtcFactory } from '@skein/reachability/libp2p'
import type { PortMappingOptions } from '@skein/reachability/node'

export interface ReachabilityOptions {
  /**
   * How much of the answers to this peer may come through relays before relayed providers are passed over while there are others. A request that can
   * only be relayed is made all the same, and counted. A smaller budget costs speed where the direct providers are slow.
   *
   * @default 5 % of the bytes of a day, once they are more than 1 MiB
   */
  budget?: RelayBudgetInit
  /**
   * How long a call waits, from when a relayed connection stands, for a better path that is being tried, ms: what a relay need not carry. 0: it goes
   * through the relay at once, and only later calls go over the better path.
   *
   * @default 1_500
   */
  patienceMs?: number
  /**
   * STUN servers that tell this peer what its NAT does, beside those of the super-nodes and seeds that it uses: `/ip4/192.0.2.1/udp/3478`, at most 8.
   * It takes two at different addresses. Nobody else is asked; in a browser they are asked for WebRTC alone.
   *
   * @default []
   */
  stun?: readonly string[]
  /**
   * WebRTC, the way in which pages, and peers behind NATs that TCP does not get through, reach each other: `webRtc()` of `@skein/webrtc`.
   *
   * @default none
   */
  webrtc?: WebRtcFactory
  /**
   * Has the router of this device let others in at the ports that this peer listens at, by PCP, NAT-PMP or UPnP, where a peer that it dialled sees
   * it behind one. Others then dial it directly instead of through relays. The price: whoever knows the port can open connections to this peer from
   * anywhere (which each public peer lives with: they are encrypted, authenticated and bounded), the router's owner may not want it, and UPnP asks
   * the whole network for a gateway. An address is told to others only when somebody who was asked to has come in there. `false`: routers are left
   * alone. They are in a browser, for a `client` and a peer that listens nowhere, where `announce` says how it is reached, and for a seed unless
   * this is given.
   *
   * @default {}
   */
  portMapping?: false | PortMappingOptions
}
