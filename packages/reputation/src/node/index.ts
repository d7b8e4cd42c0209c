/** Reputation kept on disk, and challenges answered in a thread. */
export { openReputationStore } from './level-reputation-store.ts'
export type { LevelReputationStoreInit, ReputationStore, StoreDamage } from './level-reputation-store.ts'
export { mostChallengeBytes, startMemoryProver } from './memory-worker.ts'
export { ReputationKeeper } from './reputation-keeper.ts'
export type { ReputationKeeperInit } from './reputation-keeper.ts'
export { ReputationStoreError } from './reputation-store-error.ts'
export type { ReputationStoreProblem } from './reputation-store-error.ts'
