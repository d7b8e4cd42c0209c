/** What only runs under Node: the stores. */
export { openStore } from './open-store.ts'
export type { OpenStoreOptions } from './open-store.ts'
