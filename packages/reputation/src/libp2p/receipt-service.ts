/** The libp2p service that exchanges receipts: offers its own for the other party's signature, asks others for theirs, and answers both. */
import { serviceCapabilities } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { deadline, DeadlineError, sleep } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { isRelayed, joinReceipts, openReceipt, openReceiptProof, PROTOCOLS, readReceiptProof, RecordError, signReceipt } from '@skein/records'
import { TypedEventEmitter } from 'main-event'
import { RECEIPT_REFUSALS, ReceiptDesk } from '../receipt-desk.ts'
import { MAX_TOLD_RECEIPTS } from '../told-receipts.ts'
import { ReceiptAnswers } from './receipt-answers.ts'
import { countOne, receiptCounters } from './receipt-counters.ts'
import { ReceiptProtocolError, ReceiptStream } from './receipt-stream.ts'
import type { ReceiptDeskInit, ReceiptRefusal } from '../receipt-desk.ts'
import type { ReceiptAnswer, ReceiptOffer } from '../pb/exchange.ts'
import type { OfferRefusal, ReceiptCounters, ReceiptOffence } from './receipt-counters.ts'
import type { AbortOptions, Connection, PeerId, PrivateKey, Startable, Stream } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import type { Clock } from '@skein/core'
import type { Receipt, ReceiptProof } from '@skein/records'

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
   * The receipts that this peer tells `peer` of, of what others did for it (`ReputationLedger.receiptsToTell`). Who asks more often than every ten
   * minutes is told to come later.
   *
   * @default tells nobody
   */
  tell?: (peer: string, maxReceipts: number) => ReceiptProof[]
  /**
   * Time for an offer to be answered, on either side, ms. The other side may have to look up what it measured.
   *
   * @default 10_000
   */
  timeoutMs?: number
  /** @default systemClock() */
  clock?: Clock
}

export interface OfferOutcome {
  /** Signed by both, or by this peer alone when there is a `refusal` */
  proof: ReceiptProof
  refusal?: OfferRefusal
  /** Of `busy`: offer it again after this, ms; left out when the other side did not say */
  retryAfterMs?: number
}

export interface AskOptions extends AbortOptions {
  /**
   * Whether a receipt is worth the check of its signatures: one that was counted before is not.
   *
   * @default all are
   */
  isNews?: (receipt: Receipt) => boolean
  /** @default 64 */
  maxReceipts?: number
}

export interface AskOutcome {
  /** Valid ones, of the peer that was asked as their consumer */
  proofs: ReceiptProof[]
  refusal?: OfferRefusal
}

export interface ReceiptEvents {
  /** A receipt that both have signed, whoever offered it */
  'receipt:signed': CustomEvent<{ proof: ReceiptProof, peer: string }>
  /** What another offered or asked was refused */
  'receipt:refused': CustomEvent<{ peer: string, refusal: ReceiptRefusal, receipt?: Receipt }>
  /** A peer did what no honest peer does */
  'peer:offended': CustomEvent<{ peer: string, reason: ReceiptOffence }>
}

/** Streams that are answered at once; more are told to come again. */
const MAX_ANSWERING = 64
/** Offers and questions under way at once; more are not made, and their receipts stay one-sided. */
const MAX_OFFERING = 64
const BUSY_RETRY_MS = 1000
/** Signatures that are checked before others have their turn: some milliseconds. */
const CHECKED_AT_ONCE = 8

export class ReceiptService extends TypedEventEmitter<ReceiptEvents> implements Startable {
  readonly [Symbol.toStringTag] = '@skein/reputation'
  readonly [serviceCapabilities]: string[] = ['@skein/reputation']
  readonly counters: ReceiptCounters = receiptCounters()
  private readonly components: ReceiptsComponents
  private readonly timeoutMs: number
  private readonly clock: Clock
  private readonly desk: ReceiptDesk
  private readonly answers: ReceiptAnswers
  private shutdown = new AbortController()
  private answering = 0
  private offering = 0
  private started = false

  constructor (components: ReceiptsComponents, init: ReceiptsInit = {}) {
    super()
    this.components = components
    this.timeoutMs = init.timeoutMs ?? 10_000
    this.clock = init.clock ?? systemClock()
    this.desk = new ReceiptDesk(components.peerId.toString(), init)
    this.answers = new ReceiptAnswers({
      desk: this.desk,
      counters: this.counters,
      privateKey: components.privateKey,
      clock: this.clock,
      agree: init.agree ?? (() => 'refuse'),
      tell: init.tell,
      onSigned: (proof, peer) => { this.safeDispatchEvent('receipt:signed', { detail: { proof, peer } }) },
      onRefused: (peer, refusal, receipt) => {
        this.safeDispatchEvent('receipt:refused', { detail: { peer, refusal, ...(receipt === undefined ? {} : { receipt }) } })
      },
      onOffended: (peer, error) => { this.offended(peer, error) }
    })
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
    if (peer !== facts.provider && peer !== facts.consumer) {
      throw new RecordError('wrong_signer', 'The receipt is not of a delivery with the peer that it is offered to')
    }
    this.counters.offered_total++
    const offer = { receipt: Uint8Array.from(own.envelope) }
    const outcome = await this.exchange<OfferOutcome>(peer, offer, options, async answer => {
      const proof = joinReceipts([own, await openReceipt(answer.receipt, this.clock.nowMs())])
      this.desk.onAgreed(own)
      this.safeDispatchEvent('receipt:signed', { detail: { proof, peer } })
      return { proof }
    })
    if (!('refusal' in outcome) || outcome.refusal === undefined) {
      return outcome as OfferOutcome
    }
    countOne(this.counters.offers_refused_total, outcome.refusal)
    return { ...outcome, proof: joinReceipts([own]) }
  }

  /** Signs it without the other party. @throws {RecordError} when the facts are no receipt of this peer */
  async signAlone (facts: Receipt): Promise<ReceiptProof> {
    return joinReceipts([await signReceipt(facts, this.components.privateKey)])
  }

  /**
   * Asks a peer that this one is connected to for the freshest receipts of what others did for it.
   *
   * @throws what aborted it, when `signal` fires
   */
  async askReceipts (peer: string, options: AskOptions = {}): Promise<AskOutcome> {
    this.counters.asked_total++
    const question = { maxReceipts: options.maxReceipts ?? MAX_TOLD_RECEIPTS }
    const outcome = await this.exchange<AskOutcome>(peer, { question }, { ...options, connected: true }, async (answer, signal) =>
      ({ proofs: await this.openTold(peer, answer, options.isNews ?? (() => true), signal) }))
    if ('proofs' in outcome) {
      return outcome
    }
    countOne(this.counters.questions_refused_total, outcome.refusal)
    return { proofs: [], refusal: outcome.refusal }
  }

  /** One message and its answer, over a stream of its own. */
  private async exchange<T extends object> (
    peer: string, message: Partial<ReceiptOffer>, options: AbortOptions & { connected?: boolean },
    read: (answer: ReceiptAnswer, signal: AbortSignal) => Promise<T>
  ): Promise<T | { refusal: OfferRefusal, retryAfterMs?: number }> {
    if (this.offering >= MAX_OFFERING) {
      return { refusal: 'busy', retryAfterMs: BUSY_RETRY_MS }
    }
    this.offering++
    const limit = deadline(this.clock, this.timeoutMs, [this.shutdown.signal, options.signal])
    const { signal } = limit
    const asking = message.question !== undefined
    let stream: Stream | undefined
    try {
      const connection = await this.connectionTo(peer, options.connected === true, signal)
      stream = await connection.newStream(PROTOCOLS.receipt, { signal, runOnLimitedConnection: true })
      const messages = new ReceiptStream(stream, { asking, counters: this.counters })
      await messages.writeOffer(message, { signal })
      const answer = await messages.readAnswer({ signal })
      const closing = stream
      stream = undefined
      closing.close({ signal }).catch(error => { closing.abort(error as Error) })
      if (asking ? answer.refusal !== '' : answer.receipt.length === 0) {
        const refusal = RECEIPT_REFUSALS.find(name => name === answer.refusal) ?? 'disagreed'
        return { refusal, ...(answer.retryAfterMs > 0 ? { retryAfterMs: answer.retryAfterMs } : {}) }
      }
      return await read(answer, signal)
    } catch (error) {
      stream?.abort(error as Error)
      options.signal?.throwIfAborted()
      return { refusal: this.failureOf(error, peer, signal) }
    } finally {
      this.offering--
      limit.clear()
    }
  }

  /** A connection that there is, a direct one first; else a new one, unless only one that there is will do. */
  private async connectionTo (peer: string, connected: boolean, signal: AbortSignal): Promise<Connection> {
    const { connectionManager } = this.components
    const id = peerIdFromString(peer)
    const open = connectionManager.getConnections(id).filter(({ status }) => status === 'open')
    const best = open.find(connection => !isRelayed(connection)) ?? open[0]
    if (best === undefined && connected) {
      throw new Error('It is not connected')
    }
    return best ?? await connectionManager.openConnection(id, { signal })
  }

  /** One that is not of that peer, or whose signature is wrong, is an offence, and the rest is not looked at. The expired are left out. */
  private async openTold (
    peer: string, { told }: ReceiptAnswer, isNews: (receipt: Receipt) => boolean, signal: AbortSignal
  ): Promise<ReceiptProof[]> {
    const proofs: ReceiptProof[] = []
    for (const [i, { byConsumer, byProvider }] of told.entries()) {
      const envelopes = [byConsumer, byProvider].filter(({ length }) => length > 0)
      try {
        const { receipt } = readReceiptProof(envelopes)
        if (receipt.consumer !== peer || byConsumer.length === 0) {
          throw new RecordError('wrong_signer', 'It told of a receipt that is not its own')
        }
        if (isNews(receipt)) {
          proofs.push(await openReceiptProof(envelopes, this.clock.nowMs()))
        }
      } catch (error) {
        if (!(error instanceof RecordError)) {
          throw error
        }
        if (this.offended(peer, error)) {
          return proofs
        }
      }
      if (i % CHECKED_AT_ONCE === CHECKED_AT_ONCE - 1) {
        await sleep(this.clock, 0, { signal })
      }
    }
    return proofs
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
      const messages = new ReceiptStream(stream, { counters: this.counters })
      await messages.writeAnswer(await this.answers.answerTo(peer, await messages.readOffer({ signal }), signal), { signal })
      await stream.close({ signal })
    } catch (error) {
      stream.abort(error as Error)
      this.offended(peer, error)
    } finally {
      limit.clear()
      this.answering--
    }
  }

  /** Clocks differ: one that has expired, or is from the future, is no offence. Whether it is one. */
  private offended (peer: string, error: unknown): boolean {
    const reason = error instanceof ReceiptProtocolError
      ? error.offence
      : error instanceof RecordError && error.reason !== 'expired' && error.reason !== 'future' ? 'bad_record' : undefined
    if (reason !== undefined) {
      countOne(this.counters.offences_total, reason)
      this.safeDispatchEvent('peer:offended', { detail: { peer, reason } })
    }
    return reason !== undefined
  }
}

/** Exchanges receipts with others: `services: { receipts: receipts({ agree }) }`. */
export function receipts (init: ReceiptsInit = {}): (components: ReceiptsComponents) => ReceiptService {
  return components => new ReceiptService(components, init)
}
