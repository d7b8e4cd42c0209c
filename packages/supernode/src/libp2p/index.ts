/** Super-nodes on libp2p. */
export { dialBack, DialBackLimitedError, DialBackService } from './dial-back-service.ts'
export type { DialBackComponents, DialBackInit, VerifiedDialBack } from './dial-back-service.ts'
export type { DialBackCounters } from './dial-back-counters.ts'
export type { AskDialBackOptions } from './dial-back-questions.ts'
export type { TourStatus } from './fresh-dial.ts'
