/** Answers what is offered and asked over `/skein/receipt/1.0.0`. */
import { countersignReceipt, joinReceipts, openReceipt, RecordError } from '@skein/records'
import { MAX_TOLD_RECEIPTS } from '../told-receipts.ts'
import { countOne } from './receipt-counters.ts'
import type { ReceiptDesk, ReceiptRefusal } from '../receipt-desk.ts'
import type { ReceiptAnswer, ReceiptOffer } from '../pb/exchange.ts'
import type { ReceiptCounters } from './receipt-counters.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { Receipt, ReceiptProof, SignedReceipt } from '@skein/records'

export interface ReceiptAnswersInit {
  desk: ReceiptDesk
  counters: ReceiptCounters
  privateKey: PrivateKey
  clock: Clock
  agree: (receipt: Receipt, peer: string) => 'agree' | 'refuse' | Promise<'agree' | 'refuse'>
  tell?: (peer: string, maxReceipts: number) => ReceiptProof[]
  onSigned: (proof: ReceiptProof, peer: string) => void
  onRefused: (peer: string, refusal: ReceiptRefusal, receipt?: Receipt) => void
  onOffended: (peer: string, error: unknown) => void
}

export class ReceiptAnswers {
  private readonly init: ReceiptAnswersInit

  constructor (init: ReceiptAnswersInit) {
    this.init = init
  }

  async answerTo (peer: string, { receipt, question }: ReceiptOffer, signal: AbortSignal): Promise<Partial<ReceiptAnswer>> {
    const { desk, clock } = this.init
    if (question !== undefined && receipt.length === 0) {
      return this.answerQuestion(peer, question.maxReceipts)
    }
    const waitMs = desk.waitMs(peer, clock.nowMs())
    // what is refused anyway is not worth a look at its signature
    return waitMs > 0 ? this.refused(peer, 'busy', undefined, waitMs) : await this.answerOffer(peer, receipt, signal)
  }

  private answerQuestion (peer: string, maxReceipts: number): Partial<ReceiptAnswer> {
    const { desk, clock, tell, counters } = this.init
    const waitMs = tell === undefined ? 0 : desk.questionWaitMs(peer, clock.nowMs())
    if (tell === undefined || waitMs > 0) {
      return this.refused(peer, tell === undefined ? 'declined' : 'busy', undefined, waitMs)
    }
    const proofs = tell(peer, Math.min(MAX_TOLD_RECEIPTS, maxReceipts))
    counters.told_total += proofs.length
    return { told: proofs.map(({ byConsumer, byProvider }) => ({ byConsumer: bytesOf(byConsumer), byProvider: bytesOf(byProvider) })) }
  }

  private async answerOffer (peer: string, envelope: Uint8Array, signal: AbortSignal): Promise<Partial<ReceiptAnswer>> {
    const { desk, clock, privateKey, counters, onOffended, onSigned } = this.init
    let offered: SignedReceipt
    try {
      offered = await openReceipt(envelope, clock.nowMs())
    } catch (error) {
      if (!(error instanceof RecordError)) {
        throw error
      }
      onOffended(peer, error)
      return this.refused(peer, 'invalid')
    }
    const { receipt } = offered
    const judged = desk.judge(peer, offered)
    if (judged !== 'ask' && judged !== 'again') {
      return this.refused(peer, judged, receipt)
    }
    if (judged === 'ask' && await this.decide(receipt, peer, signal) !== 'agree') {
      return this.refused(peer, 'disagreed', receipt)
    }
    // while it was being decided another receipt of the same request may have been signed
    if (desk.judge(peer, offered) === 'replayed') {
      return this.refused(peer, 'replayed', receipt)
    }
    desk.onAgreed(offered)
    const own = await countersignReceipt(offered, privateKey)
    if (judged === 'ask') {
      counters.signed_total++
      onSigned(joinReceipts([offered, own]), peer)
    }
    return { receipt: bytesOf(own.envelope) }
  }

  private async decide (receipt: Receipt, peer: string, signal: AbortSignal): Promise<'agree' | 'refuse'> {
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.throwIfAborted()
      signal.addEventListener('abort', () => { reject(signal.reason as Error) }, { once: true })
    })
    try {
      return await Promise.race([this.init.agree(receipt, peer), aborted])
    } catch {
      signal.throwIfAborted()
      return 'refuse'
    }
  }

  private refused (peer: string, refusal: ReceiptRefusal, receipt?: Receipt, retryAfterMs = 0): Partial<ReceiptAnswer> {
    countOne(this.init.counters.refused_total, refusal)
    this.init.onRefused(peer, refusal, receipt)
    return { refusal, retryAfterMs: Math.ceil(retryAfterMs) }
  }
}

function bytesOf (envelope: Uint8Array | undefined): Uint8Array<ArrayBuffer> {
  return envelope === undefined ? new Uint8Array(0) : Uint8Array.from(envelope)
}
