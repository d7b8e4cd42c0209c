/**
 * Asks peers at the other end of circuits what they can do: when the circuit is made, and again when such a peer has other addresses than before, as
 * one has whose router has just opened a port.
 */
import { isRelayed } from '@skein/records'
import type { Connection, Libp2pEvents, Peer, TypedEventTarget } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Cancel, Clock } from '@skein/core'
import type { Reach } from '../pair-ways.ts'

export interface ReachInquiryInit {
  connectionManager: Pick<ConnectionManager, 'getConnections'>
  events: TypedEventTarget<Libp2pEvents>
  /** `undefined` when it does not tell @throws when it cannot be asked */
  ask: (connection: Connection) => Promise<Reach | undefined>
  onReach: (peer: string, reach: Reach) => void
  onFailure: (peer: string, error: Error) => void
  clock: Clock
}

/** Addresses may change several times in a row, and whoever changes them often is asked no more often for that, ms. */
const SETTLE_MS = 2_000
/** Peers that are about to be asked again. */
const MAX_WAITING = 1_024

export class ReachInquiry {
  private readonly init: ReachInquiryInit
  private readonly waiting = new Map<string, Cancel>()

  constructor (init: ReachInquiryInit) {
    this.init = init
  }

  start (): void {
    this.init.events.addEventListener('peer:update', this.onUpdate)
  }

  stop (): void {
    this.init.events.removeEventListener('peer:update', this.onUpdate)
    this.waiting.forEach(cancel => { cancel() })
    this.waiting.clear()
  }

  /** Who dialled the circuit leads: with two that lead a punch would not meet. */
  onOpened (connection: Connection): void {
    if (!isRelayed(connection) || connection.direction !== 'outbound') {
      return
    }
    const peer = connection.remotePeer.toString()
    this.init.ask(connection).then(reach => {
      if (reach !== undefined) {
        this.init.onReach(peer, reach)
      }
    }).catch(error => { this.init.onFailure(peer, error as Error) })
  }

  private readonly onUpdate = ({ detail: { peer, previous } }: Libp2pEvents['peer:update']): void => {
    const id = peer.id.toString()
    const { clock } = this.init
    if (previous === undefined || directAddresses(peer) === directAddresses(previous) || this.waiting.has(id) || this.waiting.size >= MAX_WAITING ||
      this.circuitTo(peer) === undefined) {
      return
    }
    this.waiting.set(id, clock.schedule(clock.nowMs() + SETTLE_MS, () => {
      this.waiting.delete(id)
      const connection = this.circuitTo(peer)
      if (connection !== undefined) {
        this.onOpened(connection)
      }
    }))
  }

  private circuitTo ({ id }: Peer): Connection | undefined {
    return this.init.connectionManager.getConnections(id).find(connection => isRelayed(connection) && connection.status === 'open')
  }
}

function directAddresses ({ addresses }: Peer): string {
  return addresses.map(({ multiaddr }) => multiaddr.toString()).filter(address => !address.includes('/p2p-circuit')).sort().join()
}
