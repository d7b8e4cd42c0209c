/** Pages in a real Chromium (Debian's `chromium`), with a bundle that is served on loopback; for tests. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BrowserContext, Page } from 'playwright-core'

const WEIGHTS = fileURLToPath(new URL('../../../smoke-model/weights/skein-smoke-1.bin', import.meta.url))
const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync'
]

/** For `before`: where it is; leaves the tests out where it is not installed, but not where everything has to run. */
export function needChromium (suite: Mocha.Context): string {
  const { stdout, status } = spawnSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' })
  if (status !== 0) {
    const message = 'chromium is not installed: apt-get install chromium'
    if (process.env.CI === 'true') {
      throw new Error(message)
    }
    console.log(`      ${message}`)
    suite.skip()
  }
  return stdout.trim()
}

export class Chromium {
  private readonly files: Map<string, { type: string, body: Uint8Array | string }>
  private readonly server: Server
  private readonly profile: string
  private readonly context: BrowserContext

  private constructor (files: Chromium['files'], server: Server, profile: string, context: BrowserContext) {
    this.files = files
    this.server = server
    this.profile = profile
    this.context = context
  }

  /** Starts it with a new profile; its pages run the bundle of `entry`. */
  static async start (program: string, entry: string): Promise<Chromium> {
    const { outputFiles: [bundle] } = await build({
      entryPoints: [entry],
      bundle: true,
      format: 'esm',
      platform: 'browser',
      conditions: ['skein-source', 'browser'],
      write: false,
      logLevel: 'error'
    })
    const files: Chromium['files'] = new Map([
      ['/', { type: 'text/html', body: '<!doctype html><title>Skein</title><script type="module" src="/page.js"></script>' }],
      ['/page.js', { type: 'text/javascript', body: bundle?.contents ?? '' }],
      ['/weights/skein-smoke-1.bin', { type: 'application/octet-stream', body: await readFile(WEIGHTS) }]
    ])
    const server = createServer(({ url = '' }, response) => {
      const file = files.get(url)
      response.writeHead(file === undefined ? 404 : 200, { 'content-type': file?.type ?? 'text/plain' }).end(file?.body)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const profile = await mkdtemp(join(tmpdir(), 'skein-chromium-'))
    try {
      return new Chromium(files, server, profile, await chromium.launchPersistentContext(profile, { executablePath: program, args: FLAGS, headless: true }))
    } catch (error) {
      server.close()
      await rm(profile, { recursive: true, force: true })
      throw error
    }
  }

  /** A new page, once its script has run; what it complains of goes to the test's output. */
  async open (): Promise<Page> {
    const page = await this.context.newPage()
    page.on('pageerror', error => { console.error(`      page: ${error.stack ?? error.message}`) })
    const { port } = this.server.address() as AddressInfo
    await page.goto(`http://127.0.0.1:${port}/`)
    await page.waitForFunction('globalThis.skein !== undefined')
    return page
  }

  async stop (): Promise<void> {
    await this.context.close()
    this.server.closeAllConnections()
    this.server.close()
    this.files.clear()
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 })
  }
}
