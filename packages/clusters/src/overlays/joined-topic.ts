/** What a peer knows of one topic while it is in it: the offers told there, how much is said, and its own turn to say something. */
import { TokenBucket } from '@skein/core'
import { HeardRate } from './heard-rate.ts'
import { OfferTable } from './offer-table.ts'
import { OfferTelling } from './offer-telling.ts'
import type { OverlayRules } from './overlay-options.ts'
import type { OwnLoad } from './own-load.ts'
import type { Random } from '@skein/core'
import type { SignedOffer } from '@skein/records'

/** - `accept`: news; `ignore`: known, too soon after the last, or more newcomers than there should be. It is not passed on then */
export type OfferVerdict = 'accept' | 'ignore'

/** Clocks of a provider step a little; what it sends a little too soon is let pass. */
const SPACING_SLACK = 0.9
/** Offers of providers that are not known: as many as a topic should carry, twice, and at first those of a crowd that opens it. */
const NEWCOMER_BURST_SECONDS = 60

export class JoinedTopic {
  readonly offers: OfferTable
  telling?: OfferTelling
  /** Connected peers that are in it too */
  subscribers = 0
  private readonly rules: OverlayRules
  private readonly random: Random
  private readonly heard: HeardRate
  private readonly newcomers: TokenBucket

  constructor (rules: OverlayRules, region: string, random: Random, nowMs: number) {
    this.rules = rules
    this.random = random
    this.offers = new OfferTable(rules.maxOffers, region)
    this.heard = new HeardRate(rules.messagesPerSecond, nowMs)
    const ratePerSecond = 2 * rules.messagesPerSecond
    this.newcomers = new TokenBucket({ ratePerSecond, burst: ratePerSecond * NEWCOMER_BURST_SECONDS }, nowMs)
  }

  onOwnLoad (load: OwnLoad | undefined, nowMs: number): void {
    if (load === undefined) {
      this.telling = undefined
    } else if (this.telling === undefined) {
      this.telling = new OfferTelling({ rules: this.rules, random: this.random, heard: this.heard, load }, nowMs)
    } else {
      this.telling.onLoad(load, nowMs)
    }
  }

  onSubscribers (count: number, nowMs: number): void {
    if (this.subscribers === 0 && count > 0) {
      this.telling?.onListeners(nowMs)
    }
    this.subscribers = count
  }

  /**
   * Takes an offer that is valid by itself. By its times and not by those of arrival, so that all peers judge alike: one that a peer held up for long
   * is not taken for one of many.
   */
  onOffer (signed: SignedOffer, nowMs: number): OfferVerdict {
    const { offer } = signed
    const known = this.offers.get(offer.peer, nowMs)?.offer
    if (known !== undefined) {
      const soon = offer.withdrawn ? known.withdrawn : offer.issuedAtMs - known.issuedAtMs < SPACING_SLACK * this.rules.spacingMs
      if (offer.seq <= known.seq || soon) {
        return 'ignore'
      }
    } else if (!this.newcomers.take(1, nowMs)) {
      return 'ignore'
    }
    this.heard.onMessage(nowMs)
    this.offers.put(signed, nowMs)
    return 'accept'
  }
}
