/**
 * How `skein supernode status` and `drain` reach the one that runs: HTTP on loopback, with a token from a file in the data folder that only its owner
 * can read. Not a Unix socket: Windows has none with a path in a folder, and elsewhere a path is limited to some 100 bytes.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { randomBytes, toHex } from '@skein/core'
import { systemRandom } from '@skein/core/system'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SuperNodeStatus } from '../../super-node/super-node-status.ts'

export const CONTROL_FILE = 'control.json'
const HOST = '127.0.0.1'
const TOKEN_BYTES = 32
const MAX_CONNECTIONS = 8
const MAX_HEADER_BYTES = 4_096
const REQUEST_TIMEOUT_MS = 5_000

export interface ControlPortInit {
  folder: string
  status: () => SuperNodeStatus
  /** Begins a drain */
  drain: () => void
}

export interface ControlPort {
  readonly url: string
  stop: () => Promise<void>
}

/** What the file holds: the port and the token are new with each start. */
export interface ControlAccess {
  url: string
  token: string
}

export async function openControlPort (init: ControlPortInit): Promise<ControlPort> {
  const token = toHex(randomBytes(systemRandom(), TOKEN_BYTES))
  const server = createServer({
    headersTimeout: REQUEST_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS, keepAlive: false, maxHeaderSize: MAX_HEADER_BYTES
  }, (request, response) => { answer(init, token, request, response) })
  server.maxConnections = MAX_CONNECTIONS
  await listen(server)
  const url = `http://${HOST}:${(server.address() as AddressInfo).port}`
  const path = join(init.folder, CONTROL_FILE)
  try {
    await writeAccess(path, { url, token })
  } catch (error) {
    server.close()
    throw error
  }
  return {
    url,
    stop: async () => {
      await rm(path, { force: true })
      const closed = new Promise(resolve => { server.close(resolve) })
      server.closeAllConnections()
      await closed
    }
  }
}

/** `undefined` when there is none, or what is there is none. */
export async function readAccess (folder: string): Promise<ControlAccess | undefined> {
  try {
    const { url, token } = JSON.parse(await readFile(join(folder, CONTROL_FILE), 'utf8')) as ControlAccess
    return typeof token === 'string' && /^http:\/\/127\.0\.0\.1:\d+$/.test(url) ? { url, token } : undefined
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') {
      return undefined
    }
    throw error
  }
}

async function listen (server: Server): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, HOST, resolve)
  })
}

async function writeAccess (path: string, access: ControlAccess): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true, mode: 0o700 })
  await rm(`${path}.new`, { force: true })
  const file = await open(`${path}.new`, 'wx', 0o600)
  try {
    await chmod(`${path}.new`, 0o600)
    await file.writeFile(`${JSON.stringify(access)}\n`)
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
}

function answer ({ status, drain }: ControlPortInit, token: string, request: IncomingMessage, response: ServerResponse): void {
  const send = (code: number, body: unknown): void => {
    response.writeHead(code, { 'content-type': 'application/json', connection: 'close' })
    response.end(JSON.stringify(body))
  }
  response.on('error', () => {}) // who asked has gone
  if (!isRight(request.headers.authorization ?? '', `Bearer ${token}`)) {
    send(401, { error: 'not allowed' })
  } else if (request.method === 'GET' && request.url === '/status') {
    send(200, status())
  } else if (request.method === 'POST' && request.url === '/drain') {
    drain()
    send(202, status())
  } else {
    send(404, { error: 'there is GET /status and POST /drain' })
  }
}

/** Takes as long for a wrong token as for the right one. */
function isRight (given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}
