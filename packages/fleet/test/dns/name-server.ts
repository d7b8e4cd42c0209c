/** A name server of its own for tests: Debian's BIND, primary of one zone that a key may update, on a free port of loopback. */
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from '../kills/fleet-processes.ts'
import type { TsigKey } from '@skein/fleet/node'

export const ZONE = 'relay.test'
const START_TIMEOUT_MS = 20_000

export interface NameServer {
  port: number
  key: TsigKey
  resolver: Resolver
  stop: () => Promise<void>
}

/** For `before`: leaves the tests out where BIND is not installed, but not where everything has to run. */
export function needNameServer (context: Mocha.Context): void {
  if (spawnSync('named', ['-v']).status === 0) {
    return
  }
  if (process.env.CI === 'true') {
    throw new Error('named is not installed: apt-get install bind9')
  }
  context.skip()
}

export async function startNameServer (): Promise<NameServer> {
  const folder = await mkdtemp(join(tmpdir(), 'skein-named-'))
  const port = await freePort()
  const key = { name: 'fleet.key', secret: randomBytes(32).toString('base64') }
  await writeFile(join(folder, 'zone.db'), `$TTL 60\n@ SOA ns.${ZONE}. root.${ZONE}. 1 3600 600 86400 60\n@ NS ns.${ZONE}.\nns A 127.0.0.1\n`)
  await writeFile(join(folder, 'named.conf'), `
options {
  directory "${folder}"; pid-file "${folder}/named.pid"; session-keyfile "${folder}/session.key"; lock-file none;
  listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; dnssec-validation no; notify no;
};
controls { };
key "${key.name}" { algorithm hmac-sha256; secret "${key.secret}"; };
zone "${ZONE}" { type primary; file "zone.db"; update-policy { grant ${key.name} zonesub A AAAA CNAME; }; };
`)
  const server = spawn('named', ['-g', '-c', join(folder, 'named.conf'), '-n', '1'], { stdio: 'ignore' })
  const kill = (): void => { server.kill('SIGKILL') }
  process.once('exit', kill)
  const resolver = new Resolver({ timeout: 500, tries: 2 })
  resolver.setServers([`127.0.0.1:${port}`])

  const untilMs = Date.now() + START_TIMEOUT_MS
  while (!await resolver.resolve4(`ns.${ZONE}`).then(() => true, () => false)) {
    if (server.exitCode !== null || Date.now() > untilMs) {
      kill()
      throw new Error('named does not start')
    }
    await pause(50)
  }
  return {
    port,
    key,
    resolver,
    stop: async () => {
      process.off('exit', kill)
      if (server.exitCode === null && server.signalCode === null) {
        const ended = once(server, 'exit')
        kill()
        await ended
      }
      await rm(folder, { recursive: true, force: true })
    }
  }
}
