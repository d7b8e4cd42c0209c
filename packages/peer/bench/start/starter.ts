/** Starts one node in a fresh process and prints how long it took, ms: `skein` or bare `libp2p`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const LISTEN = ['/ip4/127.0.0.1/tcp/0']
const times: Record<string, number> = {}
const mark = (name: string, sinceMs: number): number => {
  const nowMs = performance.now()
  times[name] = nowMs - sinceMs
  return nowMs
}

let atMs = performance.now()
if (process.argv[2] === 'skein') {
  const { createPeer } = await import('../../src/index.ts')
  atMs = mark('loaded', atMs)
  const peer = await createPeer({ listen: LISTEN })
  await peer.serve('m', async () => 'x')
  mark('started', atMs)
  times.rss = process.memoryUsage().rss / 1e6

  const folder = mkdtempSync(join(tmpdir(), 'skein-bench-'))
  try {
    await (await createPeer({ listen: LISTEN, dataDir: folder })).stop()
    atMs = performance.now()
    const again = await createPeer({ listen: LISTEN, dataDir: folder })
    await again.serve('m', async () => 'x')
    mark('from disk', atMs)
    await again.stop()
  } finally {
    rmSync(folder, { recursive: true })
  }

  atMs = performance.now()
  const other = await createPeer({ listen: LISTEN, bootstrap: peer.addresses })
  await other.serve('m', async () => 'x')
  mark('joined', atMs)
  await other.stop()
  await peer.stop()
} else {
  const [{ createLibp2p }, { tcp }, { noise }, { yamux }, { identify }, { ping }] = await Promise.all([
    import('libp2p'), import('@libp2p/tcp'), import('@libp2p/noise'), import('@libp2p/yamux'), import('@libp2p/identify'), import('@libp2p/ping')
  ])
  atMs = mark('loaded', atMs)
  const node = await createLibp2p({
    addresses: { listen: LISTEN },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), ping: ping() }
  })
  mark('started', atMs)
  times.rss = process.memoryUsage().rss / 1e6
  await node.stop()
}
console.log(JSON.stringify(times))
