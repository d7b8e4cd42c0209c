/** Network namespaces of Linux: made, wired and taken away with `ip` (iproute2) and `nft` (nftables). Root only. */
import { execFile, spawn, spawnSync } from 'node:child_process'
import { NatLabUnavailableError } from './nat-lab-error.ts'
import type { ChildProcess, SpawnOptions } from 'node:child_process'

/** One command takes milliseconds; a machine under load takes more. */
const COMMAND_TIMEOUT_MS = 20_000
const PROGRAMS: Array<[program: string, packageName: string]> = [['ip', 'iproute2'], ['nft', 'nftables'], ['conntrack', 'conntrack']]

let made = 0

/** Names are short: those of interfaces have at most 15 characters. */
export function newPrefix (): string {
  made++
  return `sk${process.pid.toString(36)}${made.toString(36)}`
}

/** @throws {NatLabUnavailableError} with what is missing */
export function checkMachine (): void {
  if (process.platform !== 'linux') {
    throw new NatLabUnavailableError('platform', `The NAT laboratory is made of Linux's network namespaces; this is ${process.platform}`)
  }
  if (process.getuid?.() !== 0) {
    throw new NatLabUnavailableError('not_root', 'The NAT laboratory makes network namespaces, which root alone may: run this as root')
  }
  for (const [program, packageName] of PROGRAMS) {
    if (spawnSync(program, ['--version'], { stdio: 'ignore' }).error !== undefined) {
      throw new NatLabUnavailableError('missing_program', `${program} is missing: install Debian's package ${packageName}`)
    }
  }
}

export async function run (program: string, args: string[], input?: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    const child = execFile(program, args, { timeout: COMMAND_TIMEOUT_MS, maxBuffer: 4 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error !== null) {
        reject(new Error(`${program} ${args.join(' ').slice(0, 200)} failed: ${stderr.trim().slice(0, 500) || error.message}`, { cause: error }))
      } else {
        resolve(stdout)
      }
    })
    if (input !== undefined) {
      child.stdin?.end(input)
    }
  })
}

export class Namespace {
  readonly name: string

  private constructor (name: string) {
    this.name = name
  }

  /** @throws {NatLabUnavailableError} where root may not make any, as in some containers */
  static async create (name: string): Promise<Namespace> {
    try {
      await run('ip', ['netns', 'add', name])
    } catch (cause) {
      throw new NatLabUnavailableError('forbidden', 'This machine does not let root make network namespaces', { cause })
    }
    const namespace = new Namespace(name)
    await namespace.ip('link set lo up')
    // without this an address of IPv6 is of no use for the first two seconds (RFC 4862, §5.4)
    await namespace.sysctl({ 'net.ipv6.conf.all.accept_dad': 0, 'net.ipv6.conf.default.accept_dad': 0 })
    return namespace
  }

  /** Commands of `ip`, one in each line. */
  async ip (commands: string): Promise<void> {
    await run('ip', ['-n', this.name, '-batch', '-'], `${commands}\n`)
  }

  /** A ruleset. */
  async nft (rules: string): Promise<void> {
    await run('ip', ['netns', 'exec', this.name, 'nft', '-f', '-'], rules)
  }

  async exec (program: string, args: string[], input?: string): Promise<string> {
    return await run('ip', ['netns', 'exec', this.name, program, ...args], input)
  }

  /** A program in it; the caller ends it. */
  spawn (program: string, args: string[], options: SpawnOptions = {}): ChildProcess {
    return spawn('ip', ['netns', 'exec', this.name, program, ...args], options)
  }

  async sysctl (settings: Record<string, string | number>): Promise<void> {
    await this.exec('sysctl', ['-q', ...Object.entries(settings).map(([name, value]) => `${name}=${value}`)])
  }

  async delete (): Promise<void> {
    await run('ip', ['netns', 'delete', this.name])
  }
}

/** A cable between two namespaces; the ends are named as told. */
export async function cable (a: Namespace, aEnd: string, b: Namespace, bEnd: string): Promise<void> {
  await a.ip(`link add ${aEnd} type veth peer name ${bEnd} netns ${b.name}\nlink set ${aEnd} up`)
  await b.ip(`link set ${bEnd} up`)
}
