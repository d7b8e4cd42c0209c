/** What only Node has: a peer's identity in a file, questions to STUN servers, what a router should map. */
export { askNat } from './nat-question.ts'
export type { NatPatience } from './nat-question.ts'
export { mappablePorts } from '../paths/mappable-ports.ts'
export type { MappableEvidence, MappablePorts } from '../paths/mappable-ports.ts'
export { loadIdentity } from './identity-file.ts'
export { IdentityFileError } from '../identity-error.ts'
