/** Connections to super-nodes: made, kept from being closed to make room, tried with an echo, and cut when nothing comes back. */
import { peerIdFromString } from '@libp2p/peer-id'
import { deadline, sleep } from '@skein/core'
import { isRelayed } from '@skein/records'
import { echo } from './echo.ts'
import type { Connection, Libp2p, Logger } from '@libp2p/interface'
import type { Clock, Random } from '@skein/core'

export interface SuperNodeConnectionsInit {
  libp2p: Pick<Libp2p, 'getConnections' | 'peerStore'>
  connect: (peer: string, addresses: readonly string[], signal: AbortSignal) => Promise<Connection>
  /** For an echo, ms */
  probeTimeoutMs: number
  clock: Clock
  random: Random
  log: Logger
}

/** Other parts of this node ping too, and libp2p allows one ping at a time. */
const AGAIN_MS = 100
/** A tag that keeps a connection from being closed to make room, above the 50 that kad-dht gives. */
const TAG = 'skein-super-node'
const TAG_VALUE = 100

export class SuperNodeConnections {
  private readonly init: SuperNodeConnectionsInit

  constructor (init: SuperNodeConnectionsInit) {
    this.init = init
  }

  /** @throws when it cannot be reached, or only through a relay */
  async open (peer: string, addresses: readonly string[], signal: AbortSignal): Promise<void> {
    const connection = await this.init.connect(peer, addresses, signal)
    if (isRelayed(connection)) {
      throw new Error('It is connected through a relay only')
    }
    await this.tag(peer, { [TAG]: { value: TAG_VALUE } })
  }

  /** It may be closed when nothing else needs it. */
  forget (peer: string): void {
    void this.tag(peer, { [TAG]: undefined })
  }

  /**
   * The round trip of an echo, ms.
   *
   * @throws when none came in time, or the connection is gone
   */
  async probe (peer: string, signal: AbortSignal): Promise<number> {
    const connection = this.direct(peer)
    if (connection === undefined) {
      throw new Error('It is not connected')
    }
    const limit = deadline(this.init.clock, this.init.probeTimeoutMs, [signal])
    try {
      return await this.echo(connection, limit.signal)
    } finally {
      limit.clear()
    }
  }

  /** What waits on a dead connection must not wait until the operating system gives up, which takes minutes. */
  cut (peer: string): void {
    this.init.libp2p.getConnections(peerIdFromString(peer)).forEach(connection => { connection.abort(new Error('The super-node does not answer')) })
  }

  /** A connection that died without a word would be given out again at the next attempt. */
  async cutIfSilent (peer: string, signal: AbortSignal): Promise<void> {
    const connection = this.direct(peer)
    if (connection !== undefined) {
      await this.probe(peer, signal).catch((error: Error) => { connection.abort(error) })
    }
  }

  isConnected (peer: string): boolean {
    return this.direct(peer) !== undefined
  }

  private direct (peer: string): Connection | undefined {
    return this.init.libp2p.getConnections(peerIdFromString(peer)).find(({ limits, status }) => limits === undefined && status === 'open')
  }

  private async echo (connection: Connection, signal: AbortSignal): Promise<number> {
    const { clock, random } = this.init
    for (;;) {
      try {
        return await echo(connection, { clock, random, signal })
      } catch (error) {
        signal.throwIfAborted()
        if (connection.status !== 'open') {
          throw error
        }
        await sleep(clock, AGAIN_MS, { signal })
      }
    }
  }

  private async tag (peer: string, tags: Record<string, { value: number } | undefined>): Promise<void> {
    await this.init.libp2p.peerStore.merge(peerIdFromString(peer), { tags })
      .catch((error: Error) => { this.init.log('%s is not tagged: %s', peer, error.message) })
  }
}
