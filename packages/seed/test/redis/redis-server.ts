/** Redis servers for tests: Debian's `redis-server` on a free port of loopback, keeping nothing on disk; and a cluster of three. */
import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { ChildProcess } from 'node:child_process'
import type { AddressInfo } from 'node:net'

const START_TIMEOUT_MS = 10_000

export interface RedisServer {
  url: string
  port: number
  pid: number
  /** Without a chance to say goodbye */
  kill: () => Promise<void>
  /** Starts it again on the same port, empty */
  restart: () => Promise<void>
  /** Holds all answers back, and lets them go */
  freeze: () => void
  thaw: () => void
  cli: (...args: string[]) => Promise<string>
  stop: () => Promise<void>
}

export interface RedisServerOptions {
  port?: number
  password?: string
  cluster?: boolean
  args?: string[]
}

export function hasRedis (): boolean {
  return spawnSync('redis-server', ['--version']).status === 0
}

/** For `before`: leaves the tests out where Redis is not installed, but not where everything has to run. */
export function needRedis (context: Mocha.Context): void {
  if (hasRedis()) {
    return
  }
  if (process.env.CI === 'true') {
    throw new Error('redis-server is not installed: apt-get install redis-server')
  }
  context.skip()
}

export async function startRedis (options: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'skein-redis-'))
  const port = options.port ?? await freePort()
  const auth = options.password === undefined ? [] : ['-a', options.password, '--no-auth-warning']
  let child: ChildProcess

  const launch = async (): Promise<void> => {
    child = spawn('redis-server', [
      '--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder,
      ...options.password === undefined ? [] : ['--requirepass', options.password],
      ...options.cluster === true ? ['--cluster-enabled', 'yes', '--cluster-config-file', `nodes-${port}.conf`, '--cluster-node-timeout', '2000'] : [],
      ...options.args ?? []
    ], { stdio: 'ignore' })
    // a test that does not come to its end must not leave a server behind
    process.once('exit', () => { child.kill('SIGKILL') })
    await answers(port, child)
  }
  const kill = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    }
  }

  await launch()
  return {
    url: `redis://${options.password === undefined ? '' : `:${encodeURIComponent(options.password)}@`}127.0.0.1:${port}`,
    port,
    get pid () { return child.pid as number },
    kill,
    restart: async () => {
      await kill()
      await launch()
    },
    freeze: () => { child.kill('SIGSTOP') },
    thaw: () => { child.kill('SIGCONT') },
    cli: async (...args) => (await promisify(execFile)('redis-cli', ['-p', String(port), ...auth, ...args])).stdout,
    stop: async () => {
      await kill()
      await rm(folder, { recursive: true, force: true })
    }
  }
}

export interface RedisCluster {
  /** All nodes, separated by commas */
  url: string
  nodes: RedisServer[]
  stop: () => Promise<void>
}

/** Three masters, made by `redis-cli --cluster create`. */
export async function startCluster (): Promise<RedisCluster> {
  const nodes = await Promise.all([0, 1, 2].map(async () => await startRedis({ port: await freeClusterPort(), cluster: true })))
  const stop = async (): Promise<void> => { await Promise.all(nodes.map(async node => { await node.stop() })) }
  try {
    await promisify(execFile)('redis-cli', ['--cluster', 'create', ...nodes.map(({ port }) => `127.0.0.1:${port}`), '--cluster-yes'], { timeout: 30_000 })
    const untilMs = Date.now() + START_TIMEOUT_MS
    while (!(await Promise.all(nodes.map(async node => await node.cli('cluster', 'info')))).every(info => info.includes('cluster_state:ok'))) {
      if (Date.now() > untilMs) {
        throw new Error('The cluster does not come up')
      }
      await pause(50)
    }
  } catch (error) {
    await stop()
    throw error
  }
  return { url: `redis://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`, nodes, stop }
}

/** Answers anything at all: also that a password is missing. */
async function answers (port: number, child: ChildProcess): Promise<void> {
  const untilMs = Date.now() + START_TIMEOUT_MS
  while (!await isAnswering(port)) {
    if (child.exitCode !== null || Date.now() > untilMs) {
      child.kill('SIGKILL')
      throw new Error(`redis-server does not answer on port ${port}`)
    }
    await pause(20)
  }
}

async function isAnswering (port: number): Promise<boolean> {
  return await new Promise(resolve => {
    const socket = createConnection(port, '127.0.0.1', () => { socket.write('PING\r\n') })
    socket.setTimeout(500)
    socket.once('data', () => { resolve(true); socket.destroy() })
    socket.once('timeout', () => { resolve(false); socket.destroy() })
    socket.once('error', () => { resolve(false) })
  })
}

async function freePort (wanted = 0): Promise<number> {
  const server = createServer().listen(wanted, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** The bus of a cluster's node listens 10,000 above. */
async function freeClusterPort (): Promise<number> {
  for (;;) {
    const port = await freePort()
    if (port < 55_000 && await freePort(port + 10_000).then(() => true, () => false)) {
      return port
    }
  }
}
