/** What only Node has: a peer's identity in a file. */
export { loadIdentity } from './identity-file.ts'
export { IdentityFileError } from '../identity-error.ts'
