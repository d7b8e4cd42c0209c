/** The libp2p service that exchanges receipts: offers its own for the other party's signature, and answers what it is offered. */
import { serviceCapabilities } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { deadline, DeadlineError } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { countersignReceipt, joinReceipts, openReceipt, PROTOCOLS, RecordError, signReceipt } from '@skein/records'
import { TypedEventEmitter } from 'main-event'
import { RECEIPT_REFUSALS, ReceiptDesk } from '../receipt-desk.ts'
import { ReceiptProtocolError, ReceiptStream } from './receipt-stream.ts'
import type { ReceiptDeskInit, ReceiptRefusal } from '../receipt-desk.ts'
import type { ReceiptAnswer } from '../pb/exchange.ts'
import type { ReceiptOffence } from './receipt-stream.ts'
import type { AbortOptions, Connection, PeerId, PrivateKey, Startable, Stream } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import type { Clock } from '@skein/core'
import type { Receipt, ReceiptProof, SignedReceipt } from '@skein/records'

export interface ReceiptsComponents {
  peerId: PeerId
  privateKey: PrivateKey
  registrar: Registrar
  connectionManager: ConnectionManager
}

export interface ReceiptsInit extends ReceiptDeskInit {
  /**
   * Whether the facts of an offered receipt are those that this peer measured (`disagreement` compares). The receipt is of a delivery between this
   * peer and `peer`, and signed by `peer`. One that throws refuses.
   *
   * @default refuses all
   */
  agree?: (receipt: Receipt, peer: string) => 'agree' | 'refuse' | Promise<'agree' | 'refuse'>
  /**
   * Time for an offer to be answered, on either side, ms. The other side may have to look up what it measured.
   *
   * @default 10_000
   */
  timeoutMs?: number
  /** @default systemClock() */
  clock?: Clock
}

/**
 * Why the other party's signature is missing: it refused, or
 * - `unreachable`: it could not be asked, or went away
 * - `timed_out`: it did not answer in time
 * - `protocol`: it answered with something else
 */
export type OfferRefusal = ReceiptRefusal | 'unreachable' | 'timed_out' | 'protocol'

export interface OfferOutcome {
  /** Signed by both, or by this peer alone when there is a `refusal` */
  proof: ReceiptProof
  refusal?: OfferRefusal
  /** Of `busy`: offer it again after this, ms; left out when the other side did not say */
  retryAfterMs?: number
}

export interface ReceiptEvents {
  /** A receipt that both have signed, whoever offered it */
  'receipt:signed': CustomEvent<{ proof: ReceiptProof, peer: string }>
  /** What another offered was refused */
  'receipt:refused': CustomEvent<{ peer: string, refusal: ReceiptRefusal, receipt?: Receipt }>
  /** A peer did what no honest peer does */
  'peer:offended': CustomEvent<{ peer: string, reason: ReceiptOffence }>
}

/** Streams that are answered at once; more are told to come again. */
const MAX_ANSWERING = 64
/** Offers under way at once; more are not made, and their receipts stay one-sided. */
const MAX_OFFERING = 64
const BUSY_RETRY_MS = 1000

export class ReceiptService extends TypedEventEmitter<ReceiptEvents> implements Startable {
  readonly [Symbol.toStringTag] = '@skein/reputation'
  readonly [serviceCapabilities]: string[] = ['@skein/reputation']
  private readonly components: ReceiptsComponents
  private readonly agree: NonNullable<ReceiptsInit['agree']>
  private readonly timeoutMs: number
  private readonly clock: Clock
  private readonly desk: ReceiptDesk
  private shutdown = new AbortController()
  private answering = 0
  private offering = 0
  private started = false

  constructor (components: ReceiptsComponents, init: ReceiptsInit = {}) {
    super()
    this.components = components
    this.agree = init.agree ?? (() => 'refuse')
    this.timeoutMs = init.timeoutMs ?? 10_000
    this.clock = init.clock ?? systemClock()
    this.desk = new ReceiptDesk(components.peerId.toString(), init)
  }

  isStarted (): boolean {
    return this.started
  }

  async start (): Promise<void> {
    this.shutdown = new AbortController()
    await this.components.registrar.handle(PROTOCOLS.receipt, (stream, connection) => { void this.answer(stream, connection) }, {
      maxInboundStreams: 8,
      maxOutboundStreams: 8,
      runOnLimitedConnection: true
    })
    this.started = true
  }

  async stop (): Promise<void> {
    this.started = false
    this.shutdown.abort()
    await this.components.registrar.unhandle(PROTOCOLS.receipt)
  }

  /**
   * Signs what was delivered between this peer and `peer`, and asks that one to sign it too. When it does not, the receipt stays one-sided: that is
   * an outcome, not an error.
   *
   * @throws {RecordError} when the facts are no receipt of this peer
   * @throws what aborted it, when `signal` fires
   */
  async offerReceipt (peer: string, facts: Receipt, options: AbortOptions = {}): Promise<OfferOutcome> {
    const own = await signReceipt(facts, this.components.privateKey)
    const alone = (refusal: OfferRefusal, retryAfterMs?: number): OfferOutcome =>
      ({ proof: joinReceipts([own]), refusal, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) })
    if (peer !== facts.provider && peer !== facts.consumer) {
      throw new RecordError('wrong_signer', 'The receipt is not of a delivery with the peer that it is offered to')
    }
    if (this.offering >= MAX_OFFERING) {
      return alone('busy', BUSY_RETRY_MS)
    }
    this.offering++
    const limit = deadline(this.clock, this.timeoutMs, [this.shutdown.signal, options.signal])
    let stream: Stream | undefined
    try {
      const connection = await this.connectionTo(peer, limit.signal)
      stream = await connection.newStream(PROTOCOLS.receipt, { signal: limit.signal, runOnLimitedConnection: true })
      const messages = new ReceiptStream(stream)
      await messages.writeOffer({ receipt: Uint8Array.from(own.envelope) }, { signal: limit.signal })
      const answer = await messages.readAnswer({ signal: limit.signal })
      const closing = stream
      stream = undefined
      closing.close({ signal: limit.signal }).catch(error => { closing.abort(error as Error) })
      if (answer.receipt.length === 0) {
        const refusal = RECEIPT_REFUSALS.find(name => name === answer.refusal)
        return alone(refusal ?? 'disagreed', answer.retryAfterMs > 0 ? answer.retryAfterMs : undefined)
      }
      const proof = joinReceipts([own, await this.openAnswer(answer)])
      this.desk.onAgreed(own)
      this.safeDispatchEvent('receipt:signed', { detail: { proof, peer } })
      return { proof }
    } catch (error) {
      stream?.abort(error as Error)
      options.signal?.throwIfAborted()
      return alone(this.failureOf(error, peer, limit.signal))
    } finally {
      this.offering--
      limit.clear()
    }
  }

  /** A connection that there is, a direct one first; else a new one. */
  private async connectionTo (peer: string, signal: AbortSignal): Promise<Connection> {
    const { connectionManager } = this.components
    const id = peerIdFromString(peer)
    const open = connectionManager.getConnections(id).filter(({ status }) => status === 'open')
    return open.find(({ limits }) => limits === undefined) ?? open[0] ?? await connectionManager.openConnection(id, { signal })
  }

  private async openAnswer ({ receipt }: ReceiptAnswer): Promise<SignedReceipt> {
    return await openReceipt(receipt, this.clock.nowMs())
  }

  private failureOf (error: unknown, peer: string, signal: AbortSignal): OfferRefusal {
    if (error instanceof ReceiptProtocolError || error instanceof RecordError) {
      this.offended(peer, error)
      return 'protocol'
    }
    return signal.aborted && signal.reason instanceof DeadlineError ? 'timed_out' : 'unreachable'
  }

  private async answer (stream: Stream, connection: Connection): Promise<void> {
    const peer = connection.remotePeer.toString()
    if (this.answering >= MAX_ANSWERING) {
      stream.abort(new Error('Too many receipts are being answered'))
      return
    }
    this.answering++
    const limit = deadline(this.clock, this.timeoutMs, [this.shutdown.signal])
    const { signal } = limit
    try {
      const messages = new ReceiptStream(stream)
      const waitMs = this.desk.waitMs(peer, this.clock.nowMs())
      const offer = await messages.readOffer({ signal })
      // what is refused anyway is not worth a look at its signature
      const answer = waitMs > 0 ? this.refused(peer, 'busy', undefined, waitMs) : await this.answerTo(peer, offer.receipt, signal)
      await messages.writeAnswer(answer, { signal })
      await stream.close({ signal })
    } catch (error) {
      stream.abort(error as Error)
      this.offended(peer, error)
    } finally {
      limit.clear()
      this.answering--
    }
  }

  private async answerTo (peer: string, envelope: Uint8Array, signal: AbortSignal): Promise<Partial<ReceiptAnswer>> {
    let offered: SignedReceipt
    try {
      offered = await openReceipt(envelope, this.clock.nowMs())
    } catch (error) {
      if (!(error instanceof RecordError)) {
        throw error
      }
      this.offended(peer, error)
      return this.refused(peer, 'invalid')
    }
    const { receipt } = offered
    const judged = this.desk.judge(peer, offered)
    if (judged !== 'ask' && judged !== 'again') {
      return this.refused(peer, judged, receipt)
    }
    if (judged === 'ask' && await this.decide(receipt, peer, signal) !== 'agree') {
      return this.refused(peer, 'disagreed', receipt)
    }
    // while it was being decided another receipt of the same request may have been signed
    if (this.desk.judge(peer, offered) === 'replayed') {
      return this.refused(peer, 'replayed', receipt)
    }
    this.desk.onAgreed(offered)
    const own = await countersignReceipt(offered, this.components.privateKey)
    if (judged === 'ask') {
      this.safeDispatchEvent('receipt:signed', { detail: { proof: joinReceipts([offered, own]), peer } })
    }
    return { receipt: Uint8Array.from(own.envelope) }
  }

  private async decide (receipt: Receipt, peer: string, signal: AbortSignal): Promise<'agree' | 'refuse'> {
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.throwIfAborted()
      signal.addEventListener('abort', () => { reject(signal.reason as Error) }, { once: true })
    })
    try {
      return await Promise.race([this.agree(receipt, peer), aborted])
    } catch {
      signal.throwIfAborted()
      return 'refuse'
    }
  }

  private refused (peer: string, refusal: ReceiptRefusal, receipt?: Receipt, retryAfterMs = 0): Partial<ReceiptAnswer> {
    this.safeDispatchEvent('receipt:refused', { detail: { peer, refusal, ...(receipt === undefined ? {} : { receipt }) } })
    return { refusal, retryAfterMs }
  }

  /** Clocks differ: one that has expired, or is from the future, is no offence. */
  private offended (peer: string, error: unknown): void {
    const reason = error instanceof ReceiptProtocolError
      ? error.offence
      : error instanceof RecordError && error.reason !== 'expired' && error.reason !== 'future' ? 'bad_record' : undefined
    if (reason !== undefined) {
      this.safeDispatchEvent('peer:offended', { detail: { peer, reason } })
    }
  }
}

/** Exchanges receipts with others: `services: { receipts: receipts({ agree }) }`. */
export function receipts (init: ReceiptsInit = {}): (components: ReceiptsComponents) => ReceiptService {
  return components => new ReceiptService(components, init)
}
