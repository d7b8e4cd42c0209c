/** Verifies offers, each only once: the same envelope comes from as many holders as a lookup asks. */
import { BoundedMap } from '@skein/core'
import { openOffer, RecordError } from '@skein/records'
import { byteKey } from './byte-key.ts'
import type { SignedOffer } from '@skein/records'

export interface OfferVerifierInit {
  /**
   * Most verified envelopes remembered.
   *
   * @default 4096
   */
  maxRemembered?: number
  /**
   * Most verifications under way at once.
   *
   * @default 256
   */
  maxUnderWay?: number
}

export class OfferVerifier {
  private readonly maxUnderWay: number
  private readonly verified: BoundedMap<string, SignedOffer>
  private readonly underWay = new Map<string, Promise<SignedOffer>>()

  constructor (init: OfferVerifierInit = {}) {
    this.maxUnderWay = init.maxUnderWay ?? 256
    this.verified = new BoundedMap({ maxSize: init.maxRemembered ?? 4096 })
  }

  get isBusy (): boolean {
    return this.underWay.size >= this.maxUnderWay
  }

  /** The offer, at once when it was verified before. The promise rejects with a `RecordError`. */
  open (envelope: Uint8Array, nowMs: number): SignedOffer | Promise<SignedOffer> {
    const key = byteKey(envelope)
    const known = this.verified.get(key)
    if (known !== undefined) {
      if (known.offer.expiresAtMs > nowMs) {
        return known
      }
      this.verified.delete(key)
    }
    return this.underWay.get(key) ?? this.verify(key, envelope, nowMs)
  }

  /** Remembers an offer that needs no verification: one's own. */
  remember (signed: SignedOffer): void {
    this.verified.set(byteKey(signed.envelope), signed)
  }

  private verify (key: string, envelope: Uint8Array, nowMs: number): Promise<SignedOffer> {
    // the caller's bytes are part of a message that need not stay in memory
    const verification = openOffer(Uint8Array.from(envelope), nowMs).then(
      signed => {
        this.underWay.delete(key)
        this.verified.set(key, signed)
        return signed
      },
      error => {
        this.underWay.delete(key)
        throw error instanceof RecordError ? error : new RecordError('malformed', 'The offer could not be read', { cause: error })
      }
    )
    this.underWay.set(key, verification)
    return verification
  }
}
