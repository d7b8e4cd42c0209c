/** The messages between a peer and a seed (`/skein/seed/1.0.0`), and their bounds. */
export { SeedRequest, SeedResponse } from './pb/seed.ts'
export type { SeedDiscover, SeedModel, SeedPage } from './pb/seed.ts'

/** Largest request or answer, bytes. */
export const MAX_SEED_MESSAGE_BYTES = 65_536
/** Most peers in one answer. */
export const MAX_SEED_PEERS = 20
/** Most relays in one answer. */
export const MAX_SEED_RELAYS = 8
/** Most models in one answer. */
export const MAX_SEED_MODELS = 200
