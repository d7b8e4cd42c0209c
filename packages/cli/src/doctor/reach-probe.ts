/** What libp2p knows of a node's own addresses: those that it listens at, and those under which others see it. */
import { isRelayed } from '@skein/records'
import type { IdentifyResult, Startable } from '@libp2p/interface'

export interface ReachProbeComponents {
  transportManager: { getAddrs: () => Array<{ toString: () => string }> }
  events: {
    addEventListener: (name: 'peer:identify', listener: (event: CustomEvent<IdentifyResult>) => void) => void
    removeEventListener: (name: 'peer:identify', listener: (event: CustomEvent<IdentifyResult>) => void) => void
  }
}

const MAX_SEEN = 64

export class ReachProbe implements Startable {
  private readonly components: ReachProbeComponents
  private readonly hosts = new Map<string, string>()
  private readonly seen = Promise.withResolvers<void>()

  constructor (components: ReachProbeComponents) {
    this.components = components
  }

  start (): void {
    this.components.events.addEventListener('peer:identify', this.onIdentify)
  }

  stop (): void {
    this.components.events.removeEventListener('peer:identify', this.onIdentify)
  }

  /** Multiaddr texts, those of all interfaces one by one. */
  get listening (): string[] {
    return this.components.transportManager.getAddrs().map(address => address.toString().replace(/\/p2p\/[^/]+$/, ''))
      .filter(address => !address.includes('/p2p-circuit'))
  }

  /** Resolves when the first of those that it is connected to has said where it sees this node. */
  get whenSeen (): Promise<void> {
    return this.seen.promise
  }

  /** `/ip4/192.0.2.1`, as those it is connected to say, the most of them first. */
  get seenAt (): string[] {
    const counts = Map.groupBy(this.hosts.values(), host => host)
    return [...counts].sort(([, a], [, b]) => b.length - a.length).map(([host]) => host)
  }

  private readonly onIdentify = ({ detail }: CustomEvent<IdentifyResult>): void => {
    const [host] = /^\/ip[46]\/[^/]+/.exec(detail.observedAddr?.toString() ?? '') ?? []
    if (host !== undefined && !isRelayed(detail.connection) && (this.hosts.size < MAX_SEEN || this.hosts.has(detail.peerId.toString()))) {
      this.hosts.set(detail.peerId.toString(), host)
      this.seen.resolve()
    }
  }
}
