/** Dials of single addresses of a peer over new connections, whatever connections there are: to see whether it is there. */
import { peerIdFromString } from '@libp2p/peer-id'
import { deadline } from '@skein/core'
import { multiaddr } from '@multiformats/multiaddr'
import { DialQueue } from '../dial-queue.ts'
import type { Connection, ConnectionGater } from '@libp2p/interface'
import type { ConnectionManager, TransportManager } from '@libp2p/interface-internal'
import type { Clock } from '@skein/core'
import type { DialRefusal, QueuedDial } from '../dial-queue.ts'

export interface FreshDialsInit {
  /** libp2p's dial queue would give a connection that stands, or join a dial to other addresses; its transports do what they are told */
  transportManager: Pick<TransportManager, 'dial'>
  connectionManager: Pick<ConnectionManager, 'getConnections'>
  connectionGater: ConnectionGater
  allows: (address: string) => boolean
  mayDial: (address: string) => boolean
  /** For one address, ms */
  timeoutMs: number
  clock: Clock
}

export interface FreshTour {
  peer: string
  addresses: readonly string[]
  /** Whether one address of each family is dialled that the peer gave no proof for */
  triesUnpaid: boolean
  /** For addresses that may be somebody else's, before anything is dialled; gives the bytes that the peer sent */
  demand?: (bytes: number) => Promise<number>
  /** What to do over each connection before it is closed; gives the bytes that the peer sent over it */
  onReached: (connection: Connection, dial: QueuedDial) => Promise<number>
  signal: AbortSignal
}

export type TourStatus = 'reached' | DialRefusal

export class FreshDials {
  private readonly init: FreshDialsInit

  constructor (init: FreshDialsInit) {
    this.init = init
  }

  /** Dials one address after the other; the status of each, without the peer's id. */
  async tour ({ peer, addresses, triesUnpaid, demand, onReached, signal }: FreshTour): Promise<Map<string, TourStatus>> {
    const queue = new DialQueue({ addresses, peer, observed: this.observedHosts(peer), allows: this.init.allows, triesUnpaid })
    const reached = new Map<string, TourStatus>()
    if (demand !== undefined && queue.price > 0) {
      queue.onPaid(await demand(queue.price))
    }
    for (let dial = queue.next(); dial !== undefined; dial = queue.next()) {
      if (!this.init.mayDial(dial.address)) {
        queue.onRefused(dial, 'limited')
        continue
      }
      const connection = await this.dial(peer, dial.address, signal).catch(() => undefined)
      signal.throwIfAborted()
      if (connection === undefined) {
        queue.onRefused(dial, 'failed')
        continue
      }
      reached.set(dial.address, 'reached')
      queue.onReached(dial)
      try {
        queue.onPaid(await onReached(connection, dial))
      } finally {
        connection.close({ signal }).catch(error => { connection.abort(error as Error) })
      }
    }
    return new Map([...queue.refused, ...reached])
  }

  /** The handshake tells that it is the peer: its id is part of what is dialled. */
  private async dial (peer: string, address: string, signal: AbortSignal): Promise<Connection> {
    const target = multiaddr(`${address}/p2p/${peer}`)
    const gater = this.init.connectionGater
    if (await gater.denyDialPeer?.(peerIdFromString(peer)) === true || await gater.denyDialMultiaddr?.(target) === true) {
      throw new Error('The connection gater denies it')
    }
    const limit = deadline(this.init.clock, this.init.timeoutMs, [signal])
    try {
      return await this.init.transportManager.dial(target, { signal: limit.signal })
    } finally {
      limit.clear()
    }
  }

  /** Where the peer is seen at now, by whoever dialled: what answers there with its key is the peer. */
  private observedHosts (peer: string): string[] {
    return this.init.connectionManager.getConnections(peerIdFromString(peer))
      .filter(({ limits, status }) => limits === undefined && status === 'open')
      .flatMap(({ remoteAddr }) => hostOf(remoteAddr.toString()) ?? [])
  }
}

/** The IP address that a connection comes from or goes to. */
function hostOf (address: string): string | undefined {
  return /^\/ip[46]\/([0-9a-fA-F.:]+)\//.exec(`${address}/`)?.[1]?.toLowerCase()
}

