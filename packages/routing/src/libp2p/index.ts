/** Model routing on libp2p. */
export type { RoutingCounters } from './counters.ts'
export { MAX_FRAME_BYTES, RoutingProtocolError } from './frame.ts'
export { modelRouting, ModelRoutingService, NotAnnouncedError, TooManyModelsError } from './model-routing.ts'
export type { Announced, FindModelOptions, FoundOffer, ModelRouting, ModelRoutingComponents, ModelRoutingInit, OfferFields, OfferUpdate } from './model-routing.ts'
export { RoutingRequestError } from './peer-links.ts'
export type { RoutingTableView } from './routing-table-view.ts'
