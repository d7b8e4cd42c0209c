/** A real router that maps ports on request: miniupnpd (Debian's package miniupnpd-nftables) in the router of a host of the laboratory. */
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChildProcess } from 'node:child_process'
import type { NatLab } from '../../src/nat-lab/index.ts'

export interface MappingRouterOptions {
  upnp?: boolean
  /** NAT-PMP, and PCP, which miniupnpd has together */
  natPmp?: boolean
  /** Of the router to the world @default 'wan0', which is 'wan' where another NAT follows */
  outside?: 'wan0' | 'wan'
}

const TABLE = 'mapped'
const CHAINS = ['mapped_forward', 'mapped_in', 'mapped_out']
/** miniupnpd fills chains that are there: these are tried before the rules of the NAT. */
const RULES = `table inet ${TABLE} {
  chain mapped_forward {}
  chain mapped_in {}
  chain mapped_out {}
  chain forward { type filter hook forward priority filter; policy accept; jump mapped_forward; }
  chain prerouting { type nat hook prerouting priority dstnat; policy accept; jump mapped_in; }
  chain postrouting { type nat hook postrouting priority srcnat; policy accept; jump mapped_out; }
}`
const START_LIMIT_MS = 10_000

/** A message when there is none to be had. */
export function missingRouter (): string | undefined {
  return spawnSync('miniupnpd', ['--version'], { stdio: 'ignore' }).error === undefined
    ? undefined
    : 'miniupnpd is missing: install Debian\'s package miniupnpd-nftables'
}

export class MappingRouter {
  private readonly lab: NatLab
  private readonly host: string
  private readonly folder: string
  private readonly options: MappingRouterOptions
  private child: ChildProcess | undefined

  private constructor (lab: NatLab, host: string, folder: string, options: MappingRouterOptions) {
    this.lab = lab
    this.host = host
    this.folder = folder
    this.options = options
  }

  static async start (lab: NatLab, host: string, options: MappingRouterOptions = {}): Promise<MappingRouter> {
    const router = new MappingRouter(lab, host, await mkdtemp(join(tmpdir(), 'skein-router-')), options)
    await lab.execInRouter(host, 'nft', ['-f', '-'], RULES)
    await router.run()
    return router
  }

  /** As one that is switched off and on: it has forgotten what it mapped. */
  async restart (): Promise<void> {
    await this.end('SIGKILL')
    await this.lab.execInRouter(this.host, 'nft', ['-f', '-'], CHAINS.map(chain => `flush chain inet ${TABLE} ${chain}`).join('\n'))
    await this.run()
  }

  async stop (): Promise<void> {
    await this.end('SIGTERM')
    await rm(this.folder, { recursive: true, force: true })
  }

  /** The ports outside that lead to a host now, in the kernel's own rules. */
  async mappedPorts (): Promise<number[]> {
    const rules = await this.lab.execInRouter(this.host, 'nft', ['list', 'chain', 'inet', TABLE, 'mapped_in'])
    return [...rules.matchAll(/dport (\d+).*dnat/g)].map(([, port]) => Number(port))
  }

  private async run (): Promise<void> {
    const { upnp = true, natPmp = true, outside = 'wan0' } = this.options
    const yes = (is: boolean): string => is ? 'yes' : 'no'
    const config = join(this.folder, 'miniupnpd.conf')
    await writeFile(config, [
      `ext_ifname=${outside}`, 'listening_ip=lan', `enable_upnp=${yes(upnp)}`, `enable_natpmp=${yes(natPmp)}`, 'secure_mode=yes', 'http_port=5000',
      'min_lifetime=120', 'max_lifetime=86400', 'uuid=00000000-0000-0000-0000-000000000001', 'serial=1', 'model_number=1',
      `upnp_table_name=${TABLE}`, `upnp_nat_table_name=${TABLE}`, 'upnp_forward_chain=mapped_forward', 'upnp_nat_chain=mapped_in',
      'upnp_nat_postrouting_chain=mapped_out', 'allow 1024-65535 192.168.1.0/24 1024-65535', 'deny 0-65535 0.0.0.0/0 0-65535', ''
    ].join('\n'))
    const child = this.child = this.lab.spawnInRouter(this.host, 'miniupnpd', ['-d', '-f', config, '-P', join(this.folder, 'pid')], {
      stdio: ['ignore', 'pipe', 'pipe']
    })
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
    let said = ''
    const onText = (text: Buffer): void => {
      said = (said + text.toString()).slice(-4_000)
      if (said.includes(natPmp ? 'Listening for NAT-PMP/PCP' : 'HTTP listening')) {
        resolve()
      }
    }
    child.stdout?.on('data', onText)
    child.stderr?.on('data', onText)
    child.once('exit', () => { reject(new Error(`miniupnpd ended: ${said}`)) })
    const late = setTimeout(() => { reject(new Error(`miniupnpd is not ready: ${said}`)) }, START_LIMIT_MS)
    await ready.finally(() => { clearTimeout(late) })
    ready.catch(() => {})
  }

  private async end (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const { child } = this
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise(resolve => child.once('exit', resolve))
      child.kill(signal)
      await ended
    }
  }
}
