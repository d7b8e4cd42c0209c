/** Super-nodes on libp2p. */
export { dialBack, DialBackLimitedError, DialBackService } from './dial-back-service.ts'
export type { DialBackComponents, DialBackCounters, DialBackInit, VerifiedDialBack } from './dial-back-service.ts'
export type { AskDialBackOptions } from './dial-back-questions.ts'
export type { TourStatus } from './fresh-dial.ts'
