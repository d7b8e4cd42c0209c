/**
 * What two peers say to each other over a relayed connection so that they can leave it, both sides (docs/specs/punching.md): what each can do; "dial
 * me"; and the steps of a punch, which begins on both sides at about the same moment, half a measured round trip after the word for it.
 */
import { deadline, sleep } from '@skein/core'
import { PROTOCOLS } from '@skein/records'
import { multiaddr } from '@multiformats/multiaddr'
import { predictPorts } from '../port-prediction.ts'
import { PunchProtocolError } from './punch-message.ts'
import { PunchStream } from './punch-stream.ts'
import type { HolePuncher, PunchPort } from './hole-puncher.ts'
import type { Connection, Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '@skein/core'
import type { Reach } from '../pair-ways.ts'

export interface PunchExchangeInit {
  self: () => Reach
  /** Resolves when that is worth telling */
  settled: () => Promise<void>
  /** Where this peer can be dialled */
  ownAddresses: () => Multiaddr[]
  /** Left out where there is nothing to punch with */
  puncher?: HolePuncher
  /**
   * Dials the peer at addresses that it named itself; what limits the dials of addresses that others name belongs here.
   *
   * @throws when none works
   */
  dial: (connection: Connection, addresses: Multiaddr[], signal: AbortSignal) => Promise<void>
  /** Whether an address at which the peer says that its port is seen may be connected to; each is tried many times */
  mayPunch: (connection: Connection, address: Multiaddr) => boolean
  /** Whether the NAT lets everybody in to a port that was sent from, so that it is enough to listen there; and what came of it */
  letsIn: { is: () => boolean, onListened: (worked: boolean) => void }
  clock: Clock
}

/** An exchange with its punch must be over in this time, ms. */
export const PUNCH_TIMEOUT_MS = 9_000
/** A port is seen at one address of IPv4 and one of IPv6, or is guessed to be one of two. */
const MAX_TARGETS = 2
const STREAM = { runOnLimitedConnection: true } as const

export class PunchExchange {
  private readonly init: PunchExchangeInit

  constructor (init: PunchExchangeInit) {
    this.init = init
  }

  /** Tells the other side what this peer can do; resolves with what it can. */
  async askReach (connection: Connection, signal: AbortSignal): Promise<Reach | undefined> {
    return await this.over(connection, signal, async (messages, options) => {
      await messages.write({ kind: 'reach', reach: this.init.self() }, options)
      return (await messages.read(['reach'], options)).reach
    })
  }

  /** Asks the other side to dial this one. @throws when it could not */
  async askToDial (connection: Connection, signal: AbortSignal): Promise<void> {
    await this.over(connection, signal, async (messages, options) => {
      await messages.write({ kind: 'reverse', addresses: this.init.ownAddresses() }, options)
      await messages.read(['dialled'], options)
    })
  }

  /** Leads a punch. @throws when it did not work */
  async punch (connection: Connection, signal: AbortSignal): Promise<Connection> {
    return await this.over(connection, signal, async (messages, options) => await this.withPort(options.signal, async port => {
      await messages.write({ kind: 'offer', addresses: this.announced(port) }, options)
      const { addresses = [], listens = false } = await messages.read(['answer'], options)
      const listening = !listens && this.init.letsIn.is() ? await this.listen(port, connection, 'initiator', options) : undefined
      const sentMs = this.init.clock.nowMs()
      await messages.write({ kind: 'ping' }, options)
      await messages.read(['pong'], options)
      const roundTripMs = this.init.clock.nowMs() - sentMs
      await messages.write({ kind: 'sync' }, options)
      await sleep(this.init.clock, roundTripMs / 2, options)
      return await (listening?.accepted ?? port.connect(connection.remotePeer, this.targets(connection, addresses), 'initiator', options))
    }))
  }

  /** The other side of all three. */
  async answer (stream: Stream, connection: Connection): Promise<void> {
    const limit = deadline(this.init.clock, PUNCH_TIMEOUT_MS)
    const options = { signal: limit.signal }
    const messages = new PunchStream(stream)
    try {
      const asked = await messages.read(['reach', 'reverse', 'offer'], options)
      if (asked.kind === 'reach') {
        await this.init.settled()
        await messages.write({ kind: 'reach', reach: this.init.self() }, options)
      } else if (asked.kind === 'reverse') {
        await this.init.dial(connection, asked.addresses ?? [], limit.signal)
        await messages.write({ kind: 'dialled' }, options)
      } else {
        await this.withPort(limit.signal, async port => {
          const listening = this.init.letsIn.is() ? await this.listen(port, connection, 'responder', options) : undefined
          await messages.write({ kind: 'answer', addresses: this.announced(port), listens: listening !== undefined }, options)
          await messages.read(['ping'], options)
          await messages.write({ kind: 'pong' }, options)
          await messages.read(['sync'], options)
          await (listening?.accepted ?? port.connect(connection.remotePeer, this.targets(connection, asked.addresses ?? []), 'responder', options))
        })
      }
      await stream.close(options)
    } catch (error) {
      await messages.write({ kind: 'refuse', reason: (error as Error).message }, options).catch(() => {})
      stream.abort(error as Error)
    } finally {
      limit.clear()
    }
  }

  private async over<T> (
    connection: Connection, signal: AbortSignal, run: (messages: PunchStream, options: { signal: AbortSignal }) => Promise<T>
  ): Promise<T> {
    const limit = deadline(this.init.clock, PUNCH_TIMEOUT_MS, [signal])
    let stream: Stream | undefined
    try {
      stream = await connection.newStream(PROTOCOLS.punch, { ...STREAM, signal: limit.signal })
      const result = await run(new PunchStream(stream), { signal: limit.signal })
      stream.close({ signal: limit.signal }).catch(error => { stream?.abort(error as Error) })
      return result
    } catch (error) {
      stream?.abort(error as Error)
      throw error
    } finally {
      limit.clear()
    }
  }

  /** Resolves once the port is listened on. */
  private async listen (
    port: PunchPort, { remotePeer }: Connection, role: 'initiator' | 'responder', options: { signal: AbortSignal }
  ): Promise<{ accepted: Promise<Connection> }> {
    const listening = await port.listen(remotePeer, role, options)
    const { letsIn } = this.init
    listening.accepted.then(() => { letsIn.onListened(true) }, () => {
      if (options.signal.aborted) {
        letsIn.onListened(false) // any other end says nothing of the NAT
      }
    })
    return listening
  }

  /** Where the other side will see the port, which is not where a public node did when the NAT gives the next port to each destination. */
  private announced ({ observed }: PunchPort): Multiaddr[] {
    const { nat } = this.init.self()
    return observed.flatMap(address => {
      const [, family, host, , port] = address.toString().split('/')
      return family === 'ip6' ? [address] : predictPorts(Number(port), nat).map(guess => multiaddr(`/${family}/${host}/tcp/${guess}`))
    })
  }

  private targets (connection: Connection, addresses: Multiaddr[]): Multiaddr[] {
    const targets = addresses.slice(0, MAX_TARGETS).filter(address => this.init.mayPunch(connection, address))
    if (targets.length === 0) {
      throw new PunchProtocolError('The other side names no address that may be connected to now')
    }
    return targets
  }

  private async withPort<T> (signal: AbortSignal, run: (port: PunchPort) => Promise<T>): Promise<T> {
    const { puncher } = this.init
    if (puncher === undefined) {
      throw new PunchProtocolError('This peer has nothing to punch with')
    }
    const port = await puncher.open({ signal })
    try {
      return await run(port)
    } finally {
      await port.close()
    }
  }
}
