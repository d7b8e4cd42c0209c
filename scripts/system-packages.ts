/** Programs that integration tests run and npm does not have: Debian's packages of them, installed where they are missing and that is possible. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run } from './child-process.ts'
import type { RunResult } from './child-process.ts'

export interface SystemPackage {
  /** As Debian calls it */
  name: string
  /** What has to be in PATH */
  program: string
  /** Whose tests need it, by folder in packages/ */
  neededBy: string[]
  /** Its tests run as root alone, and are left out for others */
  rootOnly?: boolean
}

export const SYSTEM_PACKAGES: SystemPackage[] = [
  { name: 'bind9', program: 'named', neededBy: ['fleet'] },
  { name: 'chromium', program: 'chromium', neededBy: ['testnet'] },
  { name: 'conntrack', program: 'conntrack', neededBy: ['testnet'], rootOnly: true },
  { name: 'coturn', program: 'turnserver', neededBy: ['testnet'], rootOnly: true },
  { name: 'ffmpeg', program: 'ffmpeg', neededBy: ['cli', 'media-relay', 'srt', 'srtla'] },
  { name: 'iproute2', program: 'ip', neededBy: ['testnet'], rootOnly: true },
  { name: 'miniupnpd-nftables', program: 'miniupnpd', neededBy: ['cli', 'testnet'], rootOnly: true },
  { name: 'nftables', program: 'nft', neededBy: ['testnet'], rootOnly: true },
  { name: 'postgresql', program: 'pg_ctlcluster', neededBy: ['fleet'] },
  { name: 'redis-server', program: 'redis-server', neededBy: ['cli', 'seed'] },
  { name: 'srt-tools', program: 'srt-live-transmit', neededBy: ['cli', 'media-relay', 'srt', 'srtla'] }
]

export interface Machine {
  missing: SystemPackage[]
  hasApt: boolean
  isRoot: boolean
  /** `sudo` works without a password */
  canSudo: boolean
}

export type InstallPlan =
  | { type: 'nothing' }
  | { type: 'install', command: string, args: string[] }
  | { type: 'impossible', message: string }

const LIMIT_MS = 10 * 60_000
const POLICY_FILE = '/usr/sbin/policy-rc.d'

/**
 * Installing a server would start it as a service: `policy-rc.d` forbids that (Debian policy 9.3.3), and goes away again unless it was there. Package
 * lists that are too old, or were never fetched, are fetched when the first attempt fails.
 */
const INSTALL = `
set -e
policy=$1
shift
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
install () { apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$@"; }
install "$@" || { apt-get -o DPkg::Lock::Timeout=120 update; install "$@"; }
`

export function installPlan ({ missing, hasApt, isRoot, canSudo }: Machine, policyFile = POLICY_FILE): InstallPlan {
  const names = missing.map(({ name }) => name)
  if (names.length === 0) {
    return { type: 'nothing' }
  }
  if (!hasApt || (!isRoot && !canSudo)) {
    const why = hasApt ? 'this is neither root nor a user of sudo without a password' : 'there is no apt-get'
    return { type: 'impossible', message: `${names.join(', ')} cannot be installed here: ${why}. Install what has: ${programsOf(missing)}` }
  }
  const shell = ['-c', INSTALL, 'sh', policyFile, ...names]
  return isRoot ? { type: 'install', command: 'sh', args: shell } : { type: 'install', command: 'sudo', args: ['-n', 'sh', ...shell] }
}

export interface EnsureOptions {
  /** Whose tests are about to run, by folder in packages/; left out: all */
  packages?: string[]
  /** Where it is written that nothing may start @default '/usr/sbin/policy-rc.d' */
  policyFile?: string
}

/** Installs what is missing; a message when something still is: the tests that need it are left out, or fail where `CI` is `true`. */
export async function ensureSystemPackages (options: EnsureOptions = {}): Promise<string | undefined> {
  const { packages } = options
  const isRoot = process.getuid?.() === 0
  const wanted = SYSTEM_PACKAGES.filter(({ neededBy, rootOnly }) =>
    (isRoot || rootOnly !== true) && (packages === undefined || neededBy.some(name => packages.includes(name))))
  const missing = wanted.filter(({ program }) => !isInPath(program))
  const plan = installPlan({
    missing,
    hasApt: isInPath('apt-get'),
    isRoot,
    canSudo: missing.length > 0 && spawnSync('sudo', ['-n', 'true']).status === 0
  }, options.policyFile)
  if (plan.type !== 'install') {
    return plan.type === 'nothing' ? undefined : plan.message
  }
  console.log(`Installing ${missing.map(({ name }) => name).join(', ')} (apt-get), which tests need`)
  const result: RunResult = await run(plan.command, plan.args, { capture: true, limitMs: LIMIT_MS })
  const still = missing.filter(({ program }) => !isInPath(program))
  return still.length === 0
    ? undefined
    : `${programsOf(still)} could not be installed: apt-get ended with status ${result.code}\n${lastLines(result.output)}`
}

function lastLines (output: string): string {
  return output.trimEnd().split('\n').slice(-5).join('\n')
}

function programsOf (packages: SystemPackage[]): string {
  return packages.map(({ program }) => program).join(', ')
}

function isInPath (program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some(folder => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
