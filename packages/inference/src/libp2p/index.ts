/** The inference service of a libp2p node. */
export type { CallOptions, CallTarget, InferenceCall } from './call.ts'
export { inference } from './service.ts'
export type { InferenceComponents, InferenceInit, InferenceService } from './service.ts'
