/** What only Node has: a peer's identity in a file, questions to STUN servers. */
export { askNat } from './nat-question.ts'
export type { NatPatience } from './nat-question.ts'
export { loadIdentity } from './identity-file.ts'
export { IdentityFileError } from '../identity-error.ts'
