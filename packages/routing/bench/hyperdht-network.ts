/** hyperdht on its own testnet on loopback, driven like the other systems of the bench. No outside traffic. */
import { createHash } from 'node:crypto'

interface HyperStream {
  write (bytes: Uint8Array): void
  on (event: string, listener: (value: never) => void): void
  once (event: string, listener: (value: never) => void): void
  end (): void
  destroy (): void
}

interface HyperServer {
  listen (keyPair: unknown): Promise<void>
}

interface HyperPeer {
  publicKey: Uint8Array
}

interface HyperNode {
  defaultKeyPair: unknown
  announce (topic: Uint8Array, keyPair: unknown): { finished (): Promise<void> }
  lookup (topic: Uint8Array): AsyncIterable<{ peers: HyperPeer[] }>
  connect (publicKey: Uint8Array): HyperStream
  createServer (onConnection: (stream: HyperStream) => void): HyperServer
  destroy (): Promise<void>
  _persistent?: { records: { get (key: string, max: number): unknown[] } }
}

interface HyperTestnet {
  nodes: HyperNode[]
  createNode (): HyperNode
  destroy (): Promise<void>
}

export interface HyperNetwork {
  name: string
  announce: (node: number, model: string) => Promise<void>
  find: (node: number, model: string, onFound: () => boolean) => Promise<void>
  holds: (node: number, model: string) => Promise<boolean>
  coldStart: (model: string) => Promise<number>
  stop: () => Promise<void>
}

/** hyperdht brings no types. */
const TESTNET: string = 'hyperdht/testnet.js'

function topicOf (model: string): Buffer {
  return createHash('sha256').update(model).digest()
}

export async function createHyperNetwork (count: number): Promise<HyperNetwork> {
  const { default: createTestnet } = await import(TESTNET) as { default: (size: number) => Promise<HyperTestnet> }
  const testnet = await createTestnet(count)
  const nodes = [...testnet.nodes]
  for (const node of nodes) {
    const server = node.createServer(stream => {
      stream.on('error', () => {})
      stream.once('data', (data: Uint8Array) => { stream.write(data) })
    })
    await server.listen(node.defaultKeyPair)
  }

  return {
    name: 'hyperdht',
    announce: async (node, model) => {
      const { defaultKeyPair } = nodes[node] as HyperNode
      await (nodes[node] as HyperNode).announce(topicOf(model), defaultKeyPair).finished()
    },
    find: async (node, model, onFound) => {
      const seen = new Set<string>()
      for await (const { peers } of (nodes[node] as HyperNode).lookup(topicOf(model))) {
        for (const { publicKey } of peers) {
          const name = Buffer.from(publicKey).toString('hex')
          if (!seen.has(name)) {
            seen.add(name)
            if (!onFound()) {
              return
            }
          }
        }
      }
    },
    holds: async (node, model) => ((nodes[node] as HyperNode)._persistent?.records.get(topicOf(model).toString('hex'), 1).length ?? 0) > 0,
    coldStart: async model => {
      const startMs = performance.now()
      const node = testnet.createNode()
      try {
        let peer: HyperPeer | undefined
        for await (const { peers } of node.lookup(topicOf(model))) {
          peer = peers[0]
          if (peer !== undefined) {
            break
          }
        }
        if (peer === undefined) {
          throw new Error('hyperdht: nothing found')
        }
        const stream = node.connect(peer.publicKey)
        await new Promise<void>((resolve, reject) => {
          stream.on('error', reject)
          stream.once('data', () => { resolve() })
          stream.write(new Uint8Array([1]))
        })
        const elapsedMs = performance.now() - startMs
        stream.on('error', () => {})
        stream.destroy()
        return elapsedMs
      } finally {
        await node.destroy()
      }
    },
    stop: async () => { await testnet.destroy() }
  }
}
