/** One relayed session of the seed's own node with a device: what is said in it, in order, with bounds on what waits in either direction. */
import { deadline, DeadlineError, sleep } from '@skein/core'
import { InferenceError } from '@skein/inference'
import { RelayRefusal } from './relay-refusal.ts'
import { decodeSessionMessage, encodeSessionMessage, isNoiseHandshake } from './session-message.ts'
import type { DevicePort } from './device-port.ts'
import type { SessionKind, SessionMessage, SessionPayload } from './session-message.ts'
import type { Clock } from '@skein/core'

export interface RelaySessionInit {
  id: string
  /** The device on the other side, and the seed's own node */
  device: string
  own: string
  /** The form that the device writes; follows it from its first message on */
  wrapped: boolean
  port: DevicePort
  clock: Clock
  /** Called once, when the session has ended for whatever reason */
  onEnd: () => void
}

/** Messages that wait to be read by this side: about a minute of a fast stream. The protocol cannot ask a device to slow down. */
const MAX_WAITING = 4_096
const MAX_WAITING_BYTES = 4 * 1024 * 1024
/** A device that does not take what is sent to it within this time is given up, ms. */
const STALL_TIMEOUT_MS = 30_000
const STALL_CHECK_MS = 20

export class RelaySession {
  readonly id: string
  readonly device: string
  wrapped: boolean
  /** Until when the session is kept without a message, set by its owner */
  heardMs: number
  private readonly init: RelaySessionInit
  private readonly waiting: Array<{ message: SessionMessage | 'ready', bytes: number }> = []
  private waitingBytes = 0
  private wake?: () => void
  private failure?: InferenceError
  private readonly controller = new AbortController()

  constructor (init: RelaySessionInit) {
    this.init = init
    this.id = init.id
    this.device = init.device
    this.wrapped = init.wrapped
    this.heardMs = init.clock.nowMs()
  }

  /** Fires when the session has ended. */
  get signal (): AbortSignal {
    return this.controller.signal
  }

  /** @throws {InferenceError} `connection_failed` when the device is not there */
  signalTo (kind: 'relayOpen' | 'relayReady'): void {
    const delivery = this.init.port.send(kind, this.route())
    if (delivery !== 'sent') {
      this.end(new InferenceError('connection_failed', `The device cannot be reached (${delivery})`))
      throw this.failure as InferenceError
    }
  }

  /**
   * Sends when there is room: a slow device slows its answer down instead of losing parts of it.
   *
   * @throws {InferenceError} when the session has ended or the device does not take it
   */
  async say<K extends SessionKind> (kind: K, payload: SessionPayload<K>): Promise<void> {
    const { clock, port } = this.init
    const data = Buffer.from(encodeSessionMessage(kind, payload, this.wrapped)).toString('base64')
    const untilMs = clock.nowMs() + STALL_TIMEOUT_MS
    for (;;) {
      if (this.failure != null) {
        throw this.failure
      }
      const delivery = port.send('relayData', { ...this.route(), data })
      if (delivery === 'sent') {
        return
      }
      if (delivery === 'peer_not_found' || clock.nowMs() >= untilMs) {
        this.end(new InferenceError('connection_failed', delivery === 'queue_full' ? 'The device does not read' : 'The device is gone'))
        continue
      }
      await sleep(clock, STALL_CHECK_MS, { signal: this.signal }).catch(() => {})
    }
  }

  /**
   * The next message of the device; `ready` once for its `relayReady`.
   *
   * @throws {InferenceError} when the session has ended or nothing comes in time; the signal's reason when it fires
   */
  async next (timeoutMs: number, signal?: AbortSignal): Promise<SessionMessage | 'ready'> {
    const limit = deadline(this.init.clock, timeoutMs, [signal])
    try {
      for (;;) {
        limit.signal.throwIfAborted()
        const first = this.waiting.shift()
        if (first != null) {
          this.waitingBytes -= first.bytes
          return first.message
        }
        if (this.failure != null) {
          throw this.failure
        }
        await new Promise<void>(resolve => {
          this.wake = resolve
          limit.signal.addEventListener('abort', () => { resolve() }, { once: true })
        })
      }
    } catch (error) {
      throw error instanceof DeadlineError ? new InferenceError('connection_failed', 'The device does not answer', { cause: error }) : error
    } finally {
      limit.clear()
    }
  }

  onReady (): void {
    this.put('ready', 0)
  }

  /** @throws {RelayRefusal} when it is none of the protocol's messages */
  onData (base64: string): void {
    const bytes = Buffer.from(base64, 'base64')
    if (isNoiseHandshake(bytes)) {
      throw new RelayRefusal('unsupported_message', 'The seed has no key for Noise: send plain JSON')
    }
    const message = decodeSessionMessage(bytes)
    this.wrapped = message.wrapped
    this.put(message, bytes.length)
  }

  /** The device closed it, or is gone. */
  onGone (reason: string): void {
    this.end(new InferenceError('stream_truncated', reason))
  }

  /** Ends it from this side. */
  close (): void {
    if (this.failure == null) {
      this.init.port.send('relayClose', this.route())
      this.end(new InferenceError('cancelled', 'The session is closed'))
    }
  }

  private put (message: SessionMessage | 'ready', bytes: number): void {
    this.heardMs = this.init.clock.nowMs()
    if (this.failure != null) {
      return
    }
    if (this.waiting.length >= MAX_WAITING || this.waitingBytes + bytes > MAX_WAITING_BYTES) {
      this.init.port.send('relayClose', this.route())
      this.end(new InferenceError('stream_truncated', 'The answer came faster than it was read'))
      return
    }
    this.waiting.push({ message, bytes })
    this.waitingBytes += bytes
    this.wake?.()
  }

  private end (failure: InferenceError): void {
    if (this.failure == null) {
      this.failure = failure
      this.controller.abort(failure)
      this.init.onEnd()
      this.wake?.()
    }
  }

  private route (): { fromNodeID: string, toNodeID: string, sessionID: string } {
    return { fromNodeID: this.init.own, toNodeID: this.device, sessionID: this.id }
  }
}
