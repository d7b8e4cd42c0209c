/** N real nodes in one process. */
export { loopbackHost, loopbackNetworks } from './loopback-network.ts'
export type { LoopbackNetworksInit } from './loopback-network.ts'
export { createTestnet } from './testnet.ts'
export type { TestNetworksInit, Testnet, TestnetInit } from './testnet.ts'
