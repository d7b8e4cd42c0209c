/** A seed as an operator runs it, in a process of its own, so that its memory can be told; nobody is trusted. Answers with its figures when asked. */
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { deviceUpgrade, resolveConfig, seedLog, startSeedNode } from '../../src/node/index.ts'
import type { SeedRequest, SeedResponse } from '@skein/records'
import type { SeedFiguresMessage, UnsocketedRegistration } from './attacked-seed.ts'

const { config } = resolveConfig({
  flags: {
    listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'],
    http: '127.0.0.1:0',
    ephemeral: true,
    trustedNetworks: ['none'],
    drain: '0'
  }
})
const node = await startSeedNode({ config, log: seedLog('silent'), upgrades: deviceUpgrade })
let peakBytes = 0
setInterval(() => { peakBytes = Math.max(peakBytes, process.memoryUsage.rss()) }, 50).unref()

/** What each of them is answered, by the handler that streams come to. */
async function register (registrations: UnsocketedRegistration[]): Promise<string[]> {
  const handler = node.seed.service as unknown as { answer: (connection: unknown, request: Partial<SeedRequest>) => Promise<SeedResponse> }
  const refused: string[] = []
  for (const { peer, address, envelope } of registrations) {
    const connection = { remotePeer: peerIdFromString(peer), remoteAddr: multiaddr(address) }
    const capabilities = Uint8Array.from(Buffer.from(envelope, 'base64'))
    refused.push((await handler.answer(connection, { capabilities, wantPeers: 0, wantModels: 0, wantRelays: 0, connections: 0 })).refused)
    if (refused.length % 8 === 0) {
      // as streams do, which come with the event loop's turns
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  return refused
}

process.on('message', async (message: string | UnsocketedRegistration[]) => {
  if (typeof message !== 'string') {
    process.send?.(await register(message))
    return
  }
  if (message === 'stop') {
    await node.stop()
    process.exit()
  }
  globalThis.gc?.()
  const figures: SeedFiguresMessage = {
    heapBytes: process.memoryUsage().heapUsed,
    rssBytes: process.memoryUsage.rss(),
    peakBytes,
    counters: node.seed.service.counters,
    inbound: node.seed.inbound,
    registrations: node.seed.service.registry.size,
    connections: node.seed.peer.libp2p.getConnections().length
  }
  peakBytes = 0
  process.send?.(figures)
})
process.on('disconnect', () => { process.exit() })
process.send?.({ addresses: node.seed.addresses, http: node.httpUrl })
