/** The libp2p service that drives peer exchange: connections, streams, signatures, one timer. */
import { serviceCapabilities, serviceDependencies } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { deadline, MachineDriver } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import { PROTOCOLS, RecordError } from '@skein/records'
import { TypedEventEmitter } from 'main-event'
import { ASK_TIMEOUT_MS, PeerExchange } from '../peer-exchange.ts'
import { MAX_PEER_RECORD_LIFE_MS, signPeerRecord } from '../peer-record.ts'
import { VerifiedRecords } from '../verified-records.ts'
import { ExchangeProtocolError, ExchangeStream } from './exchange-stream.ts'
import { closeUnused } from './unused-connection.ts'
import type { ExchangeMessage } from '../pb/exchange.ts'
import type { ExchangeCounters, PexOffence } from '../exchange-counters.ts'
import type { PeerExchangeInit, PexEffect } from '../peer-exchange.ts'
import type { PeerRecord } from '../peer-record.ts'
import type { PeerView } from '../peer-view.ts'
import type { Connection, PeerId, PeerStore, PrivateKey, Startable, Stream } from '@libp2p/interface'
import type { AddressManager, ConnectionManager, Registrar } from '@libp2p/interface-internal'
import type { Cancel, Clock, Random } from '@skein/core'

export interface PeerExchangeComponents {
  peerId: PeerId
  privateKey: PrivateKey
  registrar: Registrar
  connectionManager: ConnectionManager
  peerStore: PeerStore
  addressManager: AddressManager
}

export interface PeerExchangeServiceInit extends Omit<PeerExchangeInit, 'self'> {
  /** @default systemClock() */
  clock?: Clock
  /** @default systemRandom() */
  random?: Random
  /**
   * Whether another part, such as a mesh, needs the connection to a peer that was dialled for an exchange. When given, such connections are closed
   * 30 s after, unless they are needed, a stream of them is used or a tag keeps them; left out, they stay until the connection manager wants the
   * place.
   */
  isUsed?: (peer: string) => boolean
}

export interface PeerExchangeEvents {
  /** Records that were new to the view, and who told of them */
  'peers:learned': CustomEvent<{ source: string, records: PeerRecord[] }>
  /** A peer did what no honest peer does */
  'peer:offended': CustomEvent<{ peer: string, reason: PexOffence }>
}

/** Messages that are being read and verified at once; more are reset. A message holds up to 50 signatures. */
const MAX_READING = 32
const READ_TIMEOUT_MS = 10_000
/** How long a connection stays that was dialled for an exchange, for others to find a use for it, ms. */
const ASKED_STAY_MS = 30_000
/** Connections that wait for that; further ones stay. */
const MAX_CLOSING = 128

export class PeerExchangeService extends TypedEventEmitter<PeerExchangeEvents> implements Startable {
  readonly [Symbol.toStringTag] = '@skein/pex'
  readonly [serviceCapabilities]: string[] = ['@skein/pex']
  readonly [serviceDependencies]: string[] = ['@libp2p/identify']
  private readonly components: PeerExchangeComponents
  private readonly clock: Clock
  private readonly machine: PeerExchange
  private readonly verified = new VerifiedRecords()
  /** Made anew at each start: one that was stopped stays so */
  private driver: MachineDriver<PexEffect, PeerExchange>
  private shutdown = new AbortController()
  /** Who waits for an answer to its question, by peer; at most `MAX_READING` */
  private readonly waiting = new Map<string, (answer: Partial<ExchangeMessage>) => void>()
  private reading = 0
  private readonly isUsed: PeerExchangeServiceInit['isUsed']
  private readonly closing = new Map<string, Cancel>()
  private topology: string | undefined

  constructor (components: PeerExchangeComponents, init: PeerExchangeServiceInit = {}) {
    super()
    this.components = components
    this.isUsed = init.isUsed
    this.clock = init.clock ?? systemClock()
    this.machine = new PeerExchange({ ...init, self: components.peerId.toString() }, init.random ?? systemRandom(), this.clock.nowMs())
    this.driver = this.drive()
  }

  get counters (): Readonly<ExchangeCounters> {
    return this.machine.counters
  }

  get view (): Pick<PeerView, 'size' | 'get' | 'values'> {
    return this.machine.view
  }

  get inDegreeEstimate (): number | undefined {
    return this.machine.inDegreeEstimate
  }

  isStarted (): boolean {
    return this.topology !== undefined
  }

  async start (): Promise<void> {
    if (this.isStarted()) {
      return
    }
    const { registrar } = this.components
    if (this.shutdown.signal.aborted) {
      this.shutdown = new AbortController()
      this.driver = this.drive()
    }
    await registrar.handle(PROTOCOLS.pex, (stream, connection) => { void this.accept(stream, connection) }, {
      maxInboundStreams: 2,
      maxOutboundStreams: 2,
      runOnLimitedConnection: true
    })
    this.topology = await registrar.register(PROTOCOLS.pex, {
      notifyOnLimitedConnection: true,
      onConnect: peer => { this.driver.input((machine, nowMs) => { machine.onConnected(peer.toString(), nowMs) }) },
      onDisconnect: peer => { this.driver.input((machine, nowMs) => { machine.onDisconnected(peer.toString(), nowMs) }) }
    })
    this.driver.input(() => {})
  }

  async stop (): Promise<void> {
    this.driver.stop()
    this.machine.onStopped(this.clock.nowMs())
    this.shutdown.abort()
    this.closing.forEach(cancel => { cancel() })
    this.closing.clear()
    if (this.topology !== undefined) {
      this.components.registrar.unregister(this.topology)
      await this.components.registrar.unhandle(PROTOCOLS.pex)
      this.topology = undefined
    }
  }

  /** Records from an earlier run or a seed. Those that are not valid are left out. */
  async addKnown (envelopes: readonly Uint8Array[]): Promise<void> {
    const opened = await Promise.allSettled(envelopes.slice(0, this.machine.view.viewSize).map(async envelope =>
      await this.verified.open(envelope, this.clock.nowMs())))
    const records = opened.flatMap(result => result.status === 'fulfilled' ? [result.value] : [])
    this.driver.input((machine, nowMs) => { machine.onKnown(records, nowMs) })
  }

  /** The peers of the mesh, from GossipSub. */
  setNeighbours (peers: readonly PeerId[]): void {
    this.driver.input(machine => { machine.onNeighbours(peers.map(peer => peer.toString())) })
  }

  private drive (): MachineDriver<PexEffect, PeerExchange> {
    return new MachineDriver({ machine: this.machine, clock: this.clock, perform: effect => { this.perform(effect) } })
  }

  private perform (effect: PexEffect): void {
    switch (effect.type) {
      case 'ask':
        void this.ask(effect)
        break
      case 'answer':
      case 'refuse':
        this.waiting.get(effect.peer)?.({
          records: effect.records.map(({ envelope }) => envelope) as ExchangeMessage['records'],
          ...(effect.type === 'refuse' ? { retryAfterMs: effect.retryAfterMs } : {})
        })
        break
      case 'learned':
        this.safeDispatchEvent('peers:learned', { detail: { source: effect.source, records: effect.records } })
        break
      case 'penalize':
        this.safeDispatchEvent('peer:offended', { detail: { peer: effect.peer, reason: effect.reason } })
    }
  }

  private async ask ({ peer, addresses, records, wanted }: Extract<PexEffect, { type: 'ask' }>): Promise<void> {
    const limit = deadline(this.clock, ASK_TIMEOUT_MS, [this.shutdown.signal])
    const { signal } = limit
    let stream: Stream | undefined
    try {
      const target = addresses.length > 0 ? addresses.map(address => multiaddr(`${address}/p2p/${peer}`)) : peerIdFromString(peer)
      const { connectionManager } = this.components
      // libp2p would make a circuit beside the one that there is
      const connection = connectionManager.getConnections(peerIdFromString(peer)).find(({ status }) => status === 'open') ??
        await connectionManager.openConnection(target, { signal })
      if (addresses.length > 0) {
        this.closeLater(connection.remotePeer)
      }
      stream = await connection.newStream(PROTOCOLS.pex, { signal, runOnLimitedConnection: true })
      const messages = new ExchangeStream(stream)
      const own = await this.ownRecord()
      await messages.write({ records: [own, ...records].map(({ envelope }) => envelope) as ExchangeMessage['records'], wanted }, { signal })
      const answer = await messages.read({ signal })
      const told = await this.open(answer)
      this.driver.input((machine, nowMs) => {
        if (answer.retryAfterMs > 0) {
          machine.onRefused(peer, told, nowMs)
        } else {
          machine.onAnswer(peer, told, nowMs)
        }
      })
      await stream.close({ signal })
    } catch (error) {
      stream?.abort(error as Error)
      this.driver.input(machine => {
        if (error instanceof ExchangeProtocolError) {
          machine.onOffence(peer, error.offence)
        } else {
          machine.onAskFailed(peer)
        }
      })
    } finally {
      limit.clear()
    }
  }

  private closeLater (peer: PeerId): void {
    const { isUsed, clock, closing } = this
    const name = peer.toString()
    if (isUsed === undefined || closing.has(name) || closing.size >= MAX_CLOSING) {
      return
    }
    const { connectionManager, peerStore } = this.components
    closing.set(name, clock.schedule(clock.nowMs() + ASKED_STAY_MS, () => {
      closing.delete(name)
      if (!isUsed(name)) {
        // one that cannot be closed is the connection manager's
        closeUnused({ getConnections: of => connectionManager.getConnections(of), peerStore }, peer, this.clock).catch(() => {})
      }
    }))
  }

  private async accept (stream: Stream, connection: Connection): Promise<void> {
    const peer = connection.remotePeer.toString()
    if (this.waiting.has(peer) || this.reading >= MAX_READING) {
      this.machine.onBusy()
      stream.abort(new Error(`Exchange with ${peer} is under way, or too many are`))
      return
    }
    const limit = deadline(this.clock, READ_TIMEOUT_MS, [this.shutdown.signal])
    const { signal } = limit
    const answered = Promise.withResolvers<Partial<ExchangeMessage>>()
    this.waiting.set(peer, answered.resolve)
    this.reading++
    try {
      const messages = new ExchangeStream(stream)
      const message = await messages.read({ signal })
      // what is refused anyway is not worth 50 signatures
      const records = this.machine.isTooSoon(peer, this.clock.nowMs()) ? [] : await this.open(message)
      this.driver.input((machine, nowMs) => { machine.onAsk(peer, { records, wanted: message.wanted }, nowMs) })
      await messages.write(await Promise.race([answered.promise, aborted(signal)]), { signal })
      await stream.close({ signal })
    } catch (error) {
      stream.abort(error as Error)
      if (error instanceof ExchangeProtocolError) {
        this.driver.input(machine => { machine.onOffence(peer, error.offence) })
      }
    } finally {
      limit.clear()
      this.waiting.delete(peer)
      this.reading--
    }
  }

  /** Those that are valid now; clocks differ, so one that has expired, or is from the future, is no offence. */
  private async open (message: ExchangeMessage): Promise<PeerRecord[]> {
    const records: PeerRecord[] = []
    for (const envelope of message.records) {
      try {
        records.push(await this.verified.open(envelope, this.clock.nowMs()))
      } catch (error) {
        if (!(error instanceof RecordError) || (error.reason !== 'expired' && error.reason !== 'future')) {
          throw new ExchangeProtocolError('bad_record', 'A record that is not valid', { cause: error })
        }
      }
    }
    return records
  }

  private async ownRecord (): Promise<PeerRecord> {
    const { addressManager, peerId, privateKey } = this.components
    const suffix = `/p2p/${peerId.toString()}`
    const addresses = addressManager.getAddresses().map(address => address.toString())
      .map(address => address.endsWith(suffix) ? address.slice(0, -suffix.length) : address)
    const issuedAtMs = this.clock.nowMs()
    return await signPeerRecord({ addresses, issuedAtMs, expiresAtMs: issuedAtMs + MAX_PEER_RECORD_LIFE_MS }, privateKey)
  }
}

/** Exchanges peer records with others: `services: { pex: peerExchange() }`. */
export function peerExchange (init: PeerExchangeServiceInit = {}): (components: PeerExchangeComponents) => PeerExchangeService {
  return components => new PeerExchangeService(components, init)
}

async function aborted (signal: AbortSignal): Promise<never> {
  return await new Promise((_resolve, reject) => {
    signal.throwIfAborted()
    signal.addEventListener('abort', () => { reject(signal.reason as Error) }, { once: true })
  })
}
