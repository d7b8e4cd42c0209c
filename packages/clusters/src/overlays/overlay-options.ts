/** The rules of model overlays, and what may be chosen otherwise. All peers of a mesh should have the same. */

export interface OverlayOptions {
  /**
   * A model with more providers in sight than this gets a topic. In a smaller crowd each lookup finds most of them anyway.
   *
   * @default 32
   */
  openAbove?: number
  /**
   * Below this the topic is left, after `closeAfterMs`. Peers do not see the same numbers: what is between is for those that see a few less.
   *
   * @default 24
   */
  closeBelow?: number
  /**
   * How long there must be too few, ms: twice what a provider is silent for in a topic that is not crowded.
   *
   * @default 120_000
   */
  closeAfterMs?: number
  /**
   * How long after it left for want of a crowd a peer does not join again only because others are there, ms: the last ones would keep each other.
   *
   * @default 600_000
   */
  reopenAfterMs?: number
  /**
   * A provider counts as in sight for so long, ms: somewhat longer than its offer lives.
   *
   * @default 180_000
   */
  sightingLifeMs?: number
  /**
   * Calls of a model within `stakeMs` that make a stake in it. A topic costs more than a lookup now and then.
   *
   * @default 2
   */
  stakeCalls?: number
  /**
   * A stake ends so long after the last call, ms.
   *
   * @default 600_000
   */
  stakeMs?: number
  /**
   * Topics at once, and with them memory and traffic: each carries up to `messagesPerSecond`. Beyond it the one that was called longest ago gives
   * way to one that is served or called now; if all are served, none does.
   *
   * @default 16
   */
  maxTopics?: number
  /**
   * Models kept an eye on, those served and those called lately. Beyond it the one called longest ago is forgotten.
   *
   * @default 96
   */
  maxModels?: number
  /**
   * Offers kept of one model; beyond it the least useful goes.
   *
   * @default 256
   */
  maxOffers?: number
  /**
   * Messages that a topic should carry in a second at most, from all its providers together.
   *
   * @default 2
   */
  messagesPerSecond?: number
  /**
   * How often a provider repeats its offer while there is room for it, ms. Offers live two minutes.
   *
   * @default 60_000
   */
  repeatMs?: number
  /**
   * Least time between two offers of one provider, ms; who sends sooner is not passed on.
   *
   * @default 5_000
   */
  spacingMs?: number
  /**
   * A provider that has joined listens for between half of this and all of it before its first offer, ms: all join at once when a topic opens.
   *
   * @default 20_000
   */
  listenMs?: number
  /**
   * How often a peer that serves or calls a model without a topic counts its providers by a lookup, ms.
   *
   * @default 600_000
   */
  countEveryMs?: number
  /**
   * How often it looks whether others are in the topic, and whether the crowd is still there, ms.
   *
   * @default 5_000
   */
  lookEveryMs?: number
}

export type OverlayRules = Required<OverlayOptions>

/** @throws {RangeError} when they contradict each other */
export function overlayRules (options: OverlayOptions = {}): OverlayRules {
  const rules = {
    openAbove: options.openAbove ?? 32,
    closeBelow: options.closeBelow ?? 24,
    closeAfterMs: options.closeAfterMs ?? 120_000,
    reopenAfterMs: options.reopenAfterMs ?? 600_000,
    sightingLifeMs: options.sightingLifeMs ?? 180_000,
    stakeCalls: options.stakeCalls ?? 2,
    stakeMs: options.stakeMs ?? 600_000,
    maxTopics: options.maxTopics ?? 16,
    maxModels: options.maxModels ?? 96,
    maxOffers: options.maxOffers ?? 256,
    messagesPerSecond: options.messagesPerSecond ?? 2,
    repeatMs: options.repeatMs ?? 60_000,
    spacingMs: options.spacingMs ?? 5_000,
    listenMs: options.listenMs ?? 20_000,
    countEveryMs: options.countEveryMs ?? 600_000,
    lookEveryMs: options.lookEveryMs ?? 5_000
  }
  if (rules.closeBelow > rules.openAbove) {
    throw new RangeError(`A topic that opens above ${rules.openAbove} providers cannot close below ${rules.closeBelow}: it would do both in turn`)
  }
  return rules
}
