/** N real nodes in one process. */
export { createTestnet } from './testnet.ts'
export type { Testnet, TestnetInit } from './testnet.ts'
