/** The messages between a peer and a seed (`/skein/seed/1.0.0`), and their bounds. */
export { SeedRequest, SeedResponse } from './pb/seed.ts'
export type { SeedDemand, SeedDiscover, SeedModel, SeedPage, SeedProof } from './pb/seed.ts'

/** Largest request or answer, bytes. */
export const MAX_SEED_MESSAGE_BYTES = 65_536
/** Most peers in one answer. */
export const MAX_SEED_PEERS = 20
/** Most relays in one answer. */
export const MAX_SEED_RELAYS = 8
/** Most addresses in one answer at which the seed answers STUN. */
export const MAX_SEED_STUN = 4
/** Most models in one answer. */
export const MAX_SEED_MODELS = 200
/** Most proofs in a request, parts of one proof, and demands in an answer. */
export const MAX_SEED_PROOFS = 8
export const MAX_PROOF_PARTS = 4
export const MAX_PROOF_PART_BYTES = 4_096
