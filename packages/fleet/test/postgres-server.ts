/** A PostgreSQL of its own for tests: Debian's, in a folder of its own, on a free port of loopback, ended with the tests. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { AddressInfo } from 'node:net'

const VERSIONS = '/usr/lib/postgresql'
const START_TIMEOUT_MS = 30_000

export interface PostgresServer {
  url: string
  /** Another database on it, empty */
  database: (name: string) => Promise<string>
  stop: () => Promise<void>
}

function programs (): string | undefined {
  const newest = existsSync(VERSIONS) ? readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a))[0] : undefined
  return newest === undefined ? undefined : join(VERSIONS, newest, 'bin')
}

export function hasPostgres (): boolean {
  return programs() !== undefined
}

/** For `before`: leaves the tests out where PostgreSQL is not installed, but not where everything has to run. */
export function needPostgres (context: Mocha.Context): void {
  if (hasPostgres()) {
    return
  }
  if (process.env.CI === 'true') {
    throw new Error('PostgreSQL is not installed: apt-get install postgresql')
  }
  context.skip()
}

export interface PostgresOptions {
  /** What is acknowledged is on the disk, as where it is not for a test @default false */
  durable?: boolean
}

export async function startPostgres ({ durable = false }: PostgresOptions = {}): Promise<PostgresServer> {
  const bin = programs() as string
  const folder = await mkdtemp(join(tmpdir(), 'skein-postgres-'))
  const data = join(folder, 'data')
  const port = await freePort()
  // it refuses to run as root
  const isRoot = process.getuid?.() === 0
  const as: string[] = isRoot ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : []
  if (isRoot) {
    const { stdout } = await promisify(execFile)('id', ['-u', 'postgres'])
    chownSync(folder, Number(stdout), -1)
  }
  const run = async (program: string, ...args: string[]): Promise<void> => {
    const [command, ...rest] = [...as, join(bin, program), ...args]
    await promisify(execFile)(command as string, rest, { cwd: folder, timeout: START_TIMEOUT_MS })
  }

  await run('initdb', '-D', data, '-U', 'postgres', '--auth=trust', '--no-sync', '--encoding=UTF8', '--locale=C')
  const [command, ...args] = [...as, join(bin, 'postgres'), '-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder,
    '-c', `fsync=${durable ? 'on' : 'off'}`, '-c', 'max_connections=100', '-c', 'deadlock_timeout=200ms']
  const server = spawn(command as string, args, { cwd: folder, stdio: 'ignore' })
  const kill = (): void => { server.kill('SIGKILL') }
  // a test that does not come to its end must not leave a server behind
  process.once('exit', kill)

  const untilMs = Date.now() + START_TIMEOUT_MS
  while (!await run('pg_isready', '-h', '127.0.0.1', '-p', String(port)).then(() => true, () => false)) {
    if (server.exitCode !== null || Date.now() > untilMs) {
      kill()
      throw new Error('PostgreSQL does not start')
    }
    await pause(50)
  }
  const base = `postgres://postgres@127.0.0.1:${port}`
  return {
    url: `${base}/postgres`,
    database: async name => {
      await run('createdb', '-h', '127.0.0.1', '-p', String(port), '-U', 'postgres', name)
      return `${base}/${name}`
    },
    stop: async () => {
      process.off('exit', kill)
      if (server.exitCode === null && server.signalCode === null) {
        const ended = once(server, 'exit')
        // "immediate shutdown": its children end too
        server.kill('SIGQUIT')
        await ended
      }
      await rm(folder, { recursive: true, force: true })
    }
  }
}

async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
