/**
 * Has libp2p race the addresses of a peer, as a libp2p service. Its dial queue (libp2p 3.3) tries one after the other and gives each six seconds, so
 * that one private address costs a first call six seconds; and it tries every address of a relay for the same circuit, which spends what the relay
 * allows. What the queue does besides, who may be dialled, which dials are joined, how many are under way, is left to it.
 */
import { isLocalAddress } from '@skein/pex'
import { systemClock, systemRandom } from '@skein/core/system'
import { platform } from '#platform'
import { dialCandidates } from './dial-candidates.ts'
import { RacedDial } from './raced-dial.ts'
import type {
  ComponentLogger, Connection, Libp2pEvents, Logger, OpenConnectionProgressEvents, PeerId, PeerStore, Startable, TypedEventTarget
} from '@libp2p/interface'
import type { ConnectionManager, TransportManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock, Random } from '@skein/core'
import type { DialCandidate } from './dial-candidates.ts'
import type { ConnectionPulse } from './raced-dial.ts'

export interface RacedDialsComponents {
  connectionManager: ConnectionManager
  transportManager: TransportManager
  peerStore: PeerStore
  events: TypedEventTarget<Libp2pEvents>
  logger: ComponentLogger
}

export interface RacedDialsInit {
  /** @default systemClock() */
  clock?: Clock
  /** @default systemRandom() */
  random?: Random
  /** Tells over which connections nothing comes @default nobody: those to relays are taken to carry */
  pulse?: () => ConnectionPulse | undefined
}

/** What is mended: properties that are there but not declared. */
interface DialQueueInside {
  addressDialTimeout: number
  dialPeer: (job: DialJob, signal: AbortSignal) => Promise<Connection>
  /** Addresses that can and may be dialled, of those given or, with none, of the peer as it is known; names are looked up */
  calculateMultiaddrs: (peer: PeerId | undefined, addresses: Set<string>, options: object) => Promise<Array<{ multiaddr: Multiaddr }>>
}

interface DialJob {
  peerId?: PeerId
  /** To which dials that join this one add theirs */
  multiaddrs: Set<string>
  onProgress?: (event: OpenConnectionProgressEvents) => void
}

/** As libp2p keeps them: text of a time in ms. */
const LAST_DIAL_SUCCESS = 'last-dial-success'
const LAST_DIAL_FAILURE = 'last-dial-failure'
/** IP addresses at which others saw this peer lately. */
const MAX_PUBLIC_HOSTS = 4

export class RacedDials implements Startable {
  readonly [Symbol.toStringTag] = '@skein/raced-dials'
  private readonly components: RacedDialsComponents
  private readonly clock: Clock
  private readonly random: Random
  private readonly log: Logger
  private readonly pulse: RacedDialsInit['pulse']
  private publicHosts: string[] = []

  constructor (components: RacedDialsComponents, init: RacedDialsInit = {}) {
    this.components = components
    this.clock = init.clock ?? systemClock()
    this.random = init.random ?? systemRandom()
    this.pulse = init.pulse
    this.log = components.logger.forComponent('skein:dials')
    const { dialQueue } = components.connectionManager as unknown as { dialQueue?: Partial<DialQueueInside> }
    if (typeof dialQueue?.dialPeer === 'function' && typeof dialQueue.calculateMultiaddrs === 'function') {
      dialQueue.dialPeer = async (job, signal) => await this.dial(dialQueue as DialQueueInside, job, signal)
    } else {
      this.log.error('the dial queue of this libp2p is another one: addresses are dialled one after the other')
    }
  }

  start (): void {
    this.components.events.addEventListener('peer:identify', this.onIdentify)
  }

  stop (): void {
    this.components.events.removeEventListener('peer:identify', this.onIdentify)
  }

  private readonly onIdentify = ({ detail: { observedAddr } }: Libp2pEvents['peer:identify']): void => {
    const seen = observedAddr?.toString() ?? ''
    const host = seen.split('/')[2]
    if (host !== undefined && /^\/ip[46]\//.test(seen) && !isLocalAddress(seen)) {
      this.publicHosts = [host, ...this.publicHosts.filter(other => other !== host)].slice(0, MAX_PUBLIC_HOSTS)
    }
  }

  private async dial (queue: DialQueueInside, job: DialJob, signal: AbortSignal): Promise<Connection> {
    const { connectionManager, transportManager } = this.components
    const candidates = async (): Promise<DialCandidate[]> => {
      const given = new Set(job.multiaddrs)
      job.multiaddrs.clear()
      const found = await queue.calculateMultiaddrs(job.peerId, given, { ...job, signal })
      return dialCandidates(found.map(({ multiaddr }) => multiaddr.toString()), {
        isOwnNetwork: platform.isOwnNetwork ?? (() => false),
        publicHosts: this.publicHosts
      })
    }
    const race = new RacedDial({
      connectionManager,
      transportManager,
      clock: this.clock,
      random: this.random,
      signal,
      attemptTimeoutMs: queue.addressDialTimeout,
      pulse: this.pulse?.(),
      options: job,
      more: async () => job.multiaddrs.size === 0 ? [] : await candidates(),
      onFailure: ({ key }, error) => { this.log('dial of %s failed: %s', key, error.message) }
    })
    try {
      const connection = await race.run(await candidates())
      await this.keep(connection.remotePeer, LAST_DIAL_SUCCESS, [connection.remoteAddr])
      return connection
    } catch (error) {
      if (job.peerId !== undefined) {
        await this.keep(job.peerId, LAST_DIAL_FAILURE)
      }
      throw error
    }
  }

  private async keep (peer: PeerId, what: string, multiaddrs?: Multiaddr[]): Promise<void> {
    const metadata = { [what]: new TextEncoder().encode(String(this.clock.nowMs())) }
    await this.components.peerStore.merge(peer, { metadata, ...multiaddrs === undefined ? {} : { multiaddrs } }).catch((error: Error) => {
      this.log.error('the dial of %p was not noted: %s', peer, error.message)
    })
  }
}
