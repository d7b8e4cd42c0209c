/**
 * Links of one machine to another that are as bad as is told, for whatever goes over IP, TCP of the kernel too: each is a TUN device at both ends,
 * whose packets go through a process that delays, limits and drops them. Linux and root, with `ip` (iproute2) and `socat`.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { startNode } from './clean-link.ts'
import { Namespace, cable, newPrefix } from '../../src/nat-lab/namespaces.ts'
import type { ChildProcess } from 'node:child_process'
import type { LinkModelInit } from '../../../srtla/test/link-model.ts'

const HUB = fileURLToPath(new URL('impairing-hub.ts', import.meta.url))
const FIRST_PORT = 7_000
/** Where the far machine is reached, whichever link leads there */
const FAR_ADDRESS = '10.79.0.1'
const MTU = 1_500
/** Between the machines and the hub: a whole packet of a link has to fit. */
const CARRIER_MTU = 4_000
const UP_MS = 10_000

/** Why there can be none here; `undefined` when there can. */
export function whyNoLinks (): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    return 'network namespaces and TUN devices are for root on Linux'
  }
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK)
  } catch {
    return 'there is no /dev/net/tun'
  }
  const missing = [['ip', 'iproute2'], ['socat', 'socat']].find(([program = '']) => spawnSync(program, ['-V']).error !== undefined)
  return missing === undefined ? undefined : `${missing[0]} is missing: install Debian's package ${missing[1]}`
}

export class ImpairedLinks {
  /** The machine with several links */
  private readonly near: Namespace
  private readonly far: Namespace
  readonly farAddress = FAR_ADDRESS
  /** Of the near machine, one for each link; what is sent from there goes over it */
  readonly sources: string[] = []
  private readonly hub: Namespace
  private readonly children: ChildProcess[] = []

  private constructor (near: Namespace, far: Namespace, hub: Namespace) {
    this.near = near
    this.far = far
    this.hub = hub
  }

  /** The first link is the way of what is sent from no address of a link. @throws {NatLabUnavailableError} */
  static async open (models: readonly LinkModelInit[], seed: number): Promise<ImpairedLinks> {
    const prefix = newPrefix()
    const [near, far, hub] = [await Namespace.create(`${prefix}n`), await Namespace.create(`${prefix}f`), await Namespace.create(`${prefix}h`)]
    const links = new ImpairedLinks(near, far, hub)
    try {
      await links.wire(models, seed)
      return links
    } catch (error) {
      await links.close()
      throw error
    }
  }

  readonly startNear = (script: string, args: string[]): ChildProcess => startNode(this.near, script, args)
  readonly startFar = (script: string, args: string[]): ChildProcess => startNode(this.far, script, args)

  /** Of TCP over the first link from now on, in one direction: a namespace may choose any that the kernel has for a route, not for all. */
  async setCongestionControl (name: string): Promise<void> {
    await this.near.ip(`route replace ${FAR_ADDRESS}/32 ${wayOf(0)} congctl ${name}`)
  }

  async close (): Promise<void> {
    for (const child of this.children.splice(0)) {
      child.kill('SIGKILL')
    }
    await Promise.all([this.near, this.far, this.hub].map(async namespace => { await namespace.delete().catch(() => {}) }))
  }

  private async wire (models: readonly LinkModelInit[], seed: number): Promise<void> {
    const { near, far, hub } = this
    await cable(near, 'eth0', hub, 'near')
    await cable(far, 'eth0', hub, 'far')
    await hub.ip(`addr add 10.78.0.1/24 dev near\naddr add 10.78.1.1/24 dev far\nlink set near mtu ${CARRIER_MTU}\nlink set far mtu ${CARRIER_MTU}`)
    await near.ip(`addr add 10.78.0.2/24 dev eth0\nlink set eth0 mtu ${CARRIER_MTU}`)
    await far.ip(`addr add 10.78.1.2/24 dev eth0\nlink set eth0 mtu ${CARRIER_MTU}\naddr add ${FAR_ADDRESS}/32 dev lo`)
    await near.sysctl({ 'net.ipv4.conf.all.rp_filter': 0, 'net.ipv4.conf.default.rp_filter': 0 })
    await far.sysctl({ 'net.ipv4.conf.all.rp_filter': 0, 'net.ipv4.conf.default.rp_filter': 0 })

    const child = hub.spawn(process.execPath, ['--conditions=skein-source', HUB, String(seed), String(FIRST_PORT), JSON.stringify(models)], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    this.children.push(child)
    await once(child.stdout as NodeJS.ReadableStream, 'data')
    for (const at of models.keys()) {
      await this.addLink(at)
    }
    await far.ip(models.map((_, at) => `link set link${at} mtu ${MTU}`).join('\n'))
  }

  private async addLink (at: number): Promise<void> {
    const { near, far } = this
    const source = `10.80.${at}.1`
    const port = FIRST_PORT + at
    this.tunnel(near, `${source}/24`, `link${at}`, `10.78.0.1:${port},bind=10.78.0.2:${port}`)
    this.tunnel(far, `10.80.${at}.2/24`, `link${at}`, `10.78.1.1:${port},bind=10.78.1.2:${port}`)
    await untilThere(near, `link${at}`)
    await untilThere(far, `link${at}`)
    const table = 100 + at
    await near.ip([
      `link set link${at} mtu ${MTU}`,
      `rule add from ${source} table ${table}`,
      `route add ${FAR_ADDRESS}/32 ${wayOf(at)} table ${table}`,
      ...at === 0 ? [`route add ${FAR_ADDRESS}/32 ${wayOf(at)}`] : []
    ].join('\n'))
    this.sources.push(source)
  }

  private tunnel (namespace: Namespace, address: string, name: string, to: string): void {
    const device = `TUN:${address},tun-type=tun,tun-name=${name},iff-no-pi,iff-up`
    this.children.push(namespace.spawn('socat', [device, `UDP4:${to}`], { stdio: ['ignore', 'ignore', 'inherit'] }))
  }
}

function wayOf (at: number): string {
  return `via 10.80.${at}.2 dev link${at} src 10.80.${at}.1`
}

async function untilThere (namespace: Namespace, name: string): Promise<void> {
  const startMs = performance.now()
  for (;;) {
    try {
      await namespace.exec('ip', ['route', 'show', 'dev', name]).then(routes => {
        if (!routes.includes('10.80.')) {
          throw new Error('It is not up yet')
        }
      })
      return
    } catch (error) {
      if (performance.now() - startMs > UP_MS) {
        throw error
      }
      await new Promise(resolve => { setTimeout(resolve, 20) })
    }
  }
}
