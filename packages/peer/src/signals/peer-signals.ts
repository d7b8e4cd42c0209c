/** Signals to and from other peers over the seeds, `peer.signals`: drives `SignalExchange` over a libp2p node. */
import { deadline, MachineDriver } from '@skein/core'
import {
  encodeSignalFrame, isSignalKind, MAX_SIGNAL_LIFE_MS, MAX_SIGNAL_PAYLOAD_BYTES, peerIdBytesOf, peerNameOf, PROTOCOLS, SignalFrameReader,
  signalOutcomeOf
} from '@skein/records'
import { SignalError } from './signal-error.ts'
import { SignalExchange } from './signal-exchange.ts'
import { SignalHandlers } from './signal-handlers.ts'
import type { SignalExchangeEffect, SignalExchangeInit } from './signal-exchange.ts'
import type { SignalHandler } from './signal-handlers.ts'
import type { IdentifyResult, Libp2p, Logger, PeerId, Stream } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { SignalFrame, SignalKind, SignalOutcome } from '@skein/records'

export interface PeerSignalsInit extends SignalExchangeInit {
  libp2p: Libp2p
  clock: Clock
  log: Logger
}

export interface SendSignalOptions {
  /** Gives up when it fires; the signal may arrive all the same */
  signal?: AbortSignal
  /** For all seeds together, ms @default 2_000 */
  timeoutMs?: number
}

interface Waiting {
  resolve: () => void
  reject: (error: unknown) => void
  peer: string
}

const OPEN_TIMEOUT_MS = 5_000
/** What waits for a seed that does not read: 24 signals of the largest size; beyond it the stream is reset. */
const MAX_UNREAD_BYTES = 512 * 1024

export class PeerSignals {
  private readonly libp2p: Libp2p
  private readonly clock: Clock
  private readonly log: Logger
  private readonly driver: MachineDriver<SignalExchangeEffect, SignalExchange>
  private readonly handlers: SignalHandlers
  private readonly peerIds = new Map<string, PeerId>()
  private readonly streams = new Map<string, Stream>()
  private readonly waiting = new Map<number, Waiting>()
  private readonly stopped = new AbortController()
  private lastKey = 0

  constructor (init: PeerSignalsInit) {
    this.libp2p = init.libp2p
    this.clock = init.clock
    this.log = init.log
    this.handlers = new SignalHandlers(error => { this.log.error('a signal handler failed: %s', (error as Error)?.message) })
    this.driver = new MachineDriver({ machine: new SignalExchange(init), clock: init.clock, perform: effect => { this.perform(effect) } })
  }

  /** The seeds over which signals can be sent and received now: peer ids, as text. */
  get seeds (): string[] {
    return this.driver.machine.openSeeds
  }

  start (): void {
    this.libp2p.addEventListener('peer:identify', this.onIdentify)
    this.libp2p.addEventListener('peer:disconnect', this.onDisconnect)
  }

  stop (): void {
    this.stopped.abort()
    this.libp2p.removeEventListener('peer:identify', this.onIdentify)
    this.libp2p.removeEventListener('peer:disconnect', this.onDisconnect)
    this.driver.stop()
    for (const stream of [...this.streams.values()]) {
      stream.close().catch(error => { stream.abort(error as Error) })
    }
    this.streams.clear()
    for (const { peer, reject } of this.waiting.values()) {
      reject(new SignalError('unreachable', peer, { cause: new Error('This peer has been stopped') }))
    }
    this.waiting.clear()
  }

  /**
   * Passes a signal on to a peer, over a seed to which both are connected or over the seeds of one fleet. Resolves once the peer has taken it.
   *
   * Neither its secrecy nor who it is from is protected against the seeds.
   *
   * @param peer - peer id, as text
   * @param payload - at most 16 KiB
   * @throws {SignalError} with the `reason`
   */
  async send (peer: string, kind: SignalKind, payload: Uint8Array, options: SendSignalOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    this.check(peer, kind, payload)
    const key = ++this.lastKey
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onAbort = (): void => {
      this.waiting.delete(key)
      this.driver.input((machine, nowMs) => { machine.onCancel(key, nowMs) })
      reject(options.signal?.reason)
    }
    options.signal?.addEventListener('abort', onAbort, { once: true })
    this.waiting.set(key, { resolve, reject, peer })
    this.driver.input((machine, nowMs) => {
      machine.onSend(key, { to: peer, kind, payload: Uint8Array.from(payload), timeoutMs: options.timeoutMs ?? MAX_SIGNAL_LIFE_MS }, nowMs)
    })
    try {
      await promise
    } finally {
      options.signal?.removeEventListener('abort', onAbort)
    }
  }

  /**
   * Takes signals of other peers: those of one kind, or all for which there is no other handler. One handler each; a later one takes the place of an
   * earlier one. Up to 64 are at work at once; the sender of what comes beyond it is told `queue_full`.
   *
   * @returns takes the handler away again
   */
  handle (handler: SignalHandler): () => void
  handle (kind: SignalKind, handler: SignalHandler): () => void
  handle (what: SignalKind | SignalHandler, handler?: SignalHandler): () => void {
    return typeof what === 'function' ? this.handlers.set('any', what) : this.handlers.set(what, handler as SignalHandler)
  }

  private check (peer: string, kind: SignalKind, payload: Uint8Array): void {
    if (this.stopped.signal.aborted) {
      throw new SignalError('unreachable', peer, { cause: new Error('This peer has been stopped') })
    }
    if (!isSignalKind(kind)) {
      throw new SignalError('malformed', peer)
    }
    if (payload.length > MAX_SIGNAL_PAYLOAD_BYTES) {
      throw new SignalError('oversize', peer)
    }
    try {
      peerIdBytesOf(peer)
    } catch (cause) {
      throw new SignalError('malformed', peer, { cause })
    }
  }

  private readonly onIdentify = (event: CustomEvent<IdentifyResult>): void => {
    const { peerId, protocols } = event.detail
    const seed = peerId.toString()
    if (protocols.includes(PROTOCOLS.signal)) {
      this.peerIds.set(seed, peerId)
      this.driver.input(machine => { machine.onSeed(seed) })
    } else {
      this.lose(seed)
    }
  }

  private readonly onDisconnect = (event: CustomEvent<PeerId>): void => {
    this.lose(event.detail.toString())
  }

  private lose (seed: string): void {
    if (this.peerIds.delete(seed)) {
      const stream = this.streams.get(seed)
      this.streams.delete(seed)
      stream?.close().catch(error => { stream.abort(error as Error) })
      this.driver.input((machine, nowMs) => { machine.onSeedGone(seed, nowMs) })
    }
  }

  private perform (effect: SignalExchangeEffect): void {
    switch (effect.type) {
      case 'open': return void this.open(effect.seed)
      case 'send': {
        const { seed, id, to, kind, payload, timeoutMs } = effect
        return this.write(seed, { id, to: peerIdBytesOf(to), kind, payload: payload as Uint8Array<ArrayBuffer>, timeoutMs })
      }
      case 'settled': return this.settle(effect.key, effect.outcome, effect.retryAfterMs)
    }
  }

  private settle (key: number, outcome: SignalOutcome, retryAfterMs: number): void {
    const waiting = this.waiting.get(key)
    this.waiting.delete(key)
    if (outcome === 'delivered') {
      waiting?.resolve()
    } else {
      waiting?.reject(new SignalError(outcome, waiting.peer, { retryAfterMs }))
    }
  }

  private async open (seed: string): Promise<void> {
    const peerId = this.peerIds.get(seed)
    const limit = deadline(this.clock, OPEN_TIMEOUT_MS, [this.stopped.signal])
    try {
      // no dial: whether the seed is worth a connection is for others to decide
      const connection = peerId === undefined ? undefined : this.libp2p.getConnections(peerId).find(({ status }) => status === 'open')
      if (connection === undefined) {
        throw new Error('The seed is not connected')
      }
      const stream = await connection.newStream(PROTOCOLS.signal, { signal: limit.signal, runOnLimitedConnection: true })
      this.listen(seed, stream)
      this.driver.input((machine, nowMs) => { machine.onOpened(seed, nowMs) })
    } catch (error) {
      this.log('no signalling over %s: %s', seed, (error as Error).message)
      this.driver.input((machine, nowMs) => { machine.onClosed(seed, nowMs) })
    } finally {
      limit.clear()
    }
  }

  private listen (seed: string, stream: Stream): void {
    const reader = new SignalFrameReader()
    const ended = (): void => {
      if (this.streams.get(seed) === stream) {
        this.streams.delete(seed)
        this.driver.input((machine, nowMs) => { machine.onClosed(seed, nowMs) })
      }
    }
    this.streams.set(seed, stream)
    stream.maxWriteBufferLength = MAX_UNREAD_BYTES
    stream.addEventListener('close', ended)
    stream.addEventListener('remoteCloseWrite', () => {
      ended()
      stream.close().catch(error => { stream.abort(error as Error) })
    })
    stream.addEventListener('message', event => {
      try {
        for (const frame of reader.read(event.data.subarray())) {
          this.onFrame(seed, frame)
        }
      } catch (error) {
        this.log('the stream to %s is reset: %s', seed, (error as Error).message)
        stream.abort(error as Error)
        ended()
      }
    })
  }

  private onFrame (seed: string, frame: SignalFrame): void {
    const { id, outcome, retryAfterMs, kind, payload } = frame
    if (outcome !== '') {
      this.driver.input((machine, nowMs) => { machine.onOutcome(seed, id, signalOutcomeOf(outcome), retryAfterMs, nowMs) })
      return
    }
    const from = peerNameOf(frame.from)
    const told = isSignalKind(kind) ? this.handlers.dispatch({ from, kind, payload: Uint8Array.from(payload) }) : 'unhandled'
    this.driver.input(machine => { machine.onHeard(from, seed) })
    this.write(seed, { id, outcome: told })
  }

  private write (seed: string, frame: Partial<SignalFrame>): void {
    const stream = this.streams.get(seed)
    try {
      // reading goes on even when the seed does not: if both stopped, neither would begin again
      stream?.send(encodeSignalFrame(frame))
    } catch (error) {
      stream?.abort(error as Error)
    }
  }
}
