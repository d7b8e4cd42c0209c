/** Kademlia model routing without I/O: keys, the lookup, what a holder keeps, how offers stay announced. */
export { Announcer } from './announcer.ts'
export type { AnnounceKey, AnnouncerEffect, AnnouncerInit, StoreFailure } from './announcer.ts'
export { Lookup } from './lookup.ts'
export type { Contact, LookupEffect, LookupInit, PeerKey, SequencedOffer } from './lookup.ts'
export {
  ANSWERED, ASK, COUNT, FAILED, FRESH, HALT, isSettled, lookupEnd, PASS, requestsAtOnce, SLOW, STARVE, stateAt, visit, WAITING
} from './lookup-rules.ts'
export type { CandidateState, LookupEnd, Visit } from './lookup-rules.ts'
export { compareDistance, kadId, KEY_BYTES, modelKey, nearness } from './model-key.ts'
export { ModelSearch } from './model-search.ts'
export type { ModelSearchEffect, ModelSearchInit, SearchKey } from './model-search.ts'
export { OfferCache } from './offer-cache.ts'
export type { CachedResult, OfferCacheInit } from './offer-cache.ts'
export { bestOffers, compareOffers, MAX_BEST, meets, offerNetwork, selectBest } from './offer-filter.ts'
export type { OfferFilter } from './offer-filter.ts'
export { OfferStore } from './offer-store.ts'
export type { BestOptions, OfferStoreInit, StoreResult } from './offer-store.ts'
export { knownRegion, knownRegions, regionsByDistance } from './region.ts'
