/** What a page needs: a seed that it can dial and be reached through, somebody who serves a model, and the files of the page. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { createPeer } from '@skein/peer'
import { createSeed } from '@skein/seed'
import { smokeBackend } from '@skein/smoke-model'
import { build } from 'esbuild'
import type { AddressInfo } from 'node:net'

export interface Host {
  url: string
  /** Peer id of the one that serves from the start */
  server: string
  /** Leaves serving to the pages */
  stopServing: () => Promise<void>
  stop: () => Promise<void>
}

interface File {
  type: string
  body: Uint8Array | string
}

const TCP = '/ip4/127.0.0.1/tcp/0'
const WEB_SOCKET = '/ip4/127.0.0.1/tcp/0/ws'
const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const WEIGHTS = fileURLToPath(new URL('../weights/skein-smoke-1.bin', import.meta.resolve('@skein/smoke-model')))

export async function startHost ({ port }: { port: number }): Promise<Host> {
  const seed = await createSeed({ listen: [TCP, WEB_SOCKET], roles: ['discover', 'relay', 'signal', 'bootstrap'] })
  // pages dial WebSocket, so a peer that is to answer them without a relay listens there too
  const peer = await createPeer({ listen: [TCP, WEB_SOCKET], bootstrap: seed.addresses, region: 'desktop' })
  const service = await peer.serve(smokeBackend())

  const files = await pageFiles(seed.addresses.filter(address => address.includes('/ws/')))
  const http = createServer(({ url = '/' }, response) => {
    const file = files.get(url.split('?')[0] ?? '/')
    response.writeHead(file === undefined ? 404 : 200, { 'content-type': file?.type ?? 'text/plain' }).end(file?.body)
  }).listen(port, '127.0.0.1')
  await once(http, 'listening')

  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/`,
    server: peer.id,
    stopServing: async () => { await service.stop() },
    stop: async () => {
      http.closeAllConnections()
      http.close()
      await peer.stop()
      await seed.stop()
    }
  }
}

/** The bundle is split: what is needed to join comes first. */
async function pageFiles (bootstrap: string[]): Promise<Map<string, File>> {
  const { outputFiles } = await build({
    entryPoints: [pathOf('page/chat.ts')],
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['skein-source', 'browser'],
    outdir: '/',
    write: false
  })
  const files = new Map<string, File>(outputFiles.map(({ path, contents }) => [path, { type: 'text/javascript', body: contents }]))
  files.set('/', { type: 'text/html; charset=utf-8', body: await readFile(pathOf('page/index.html')) })
  files.set('/chat.css', { type: 'text/css', body: await readFile(pathOf('page/chat.css')) })
  files.set('/mesh.json', { type: 'application/json', body: JSON.stringify({ bootstrap }) })
  files.set('/weights/skein-smoke-1.bin', { type: 'application/octet-stream', body: await readFile(WEIGHTS) })
  return files
}
