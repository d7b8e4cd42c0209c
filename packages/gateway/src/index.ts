/** The OpenAI-compatible HTTP face of a Skein peer. */
export { admit } from './admission.ts'
export type { Admission, AdmissionPolicy, AdmissionRequest } from './admission.ts'
export { GatewayListenError } from './listen-error.ts'
export { createGateway } from './node/gateway.ts'
export type { Gateway, GatewayInit, GatewayOptions, Health, StopOptions } from './node/gateway.ts'
