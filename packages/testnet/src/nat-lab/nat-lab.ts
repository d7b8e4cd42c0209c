/**
 * A laboratory of NATs: hosts behind routers of each kind on an Internet of their own, in network namespaces of this machine. Root and Linux only.
 * Programs are run in a host with `spawn`; their packets go through real NATs, whose kind `packages/testnet/test/nat-lab` verifies.
 */
import { cable, checkMachine, Namespace, newPrefix } from './namespaces.ts'
import { natRules } from './nat-kind.ts'
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import type { NatKind } from './nat-kind.ts'

export interface NatHost {
  readonly name: string
  readonly kind: NatKind
  /** Its own IPv4 address; behind a NAT one that nobody else can use */
  readonly address: string
  /** Under which others see it */
  readonly publicAddress: string
  /** Public; not there without */
  readonly address6?: string
  /** A program in this host. The caller ends it */
  spawn: (program: string, args: string[], options?: SpawnOptions) => ChildProcess
  /** A program to its end: what it printed @throws when it fails */
  exec: (program: string, args: string[], input?: string) => Promise<string>
}

export interface LabHostOptions {
  /** Further addresses of a public host, each in a network of its own: a STUN server needs two @default 1 */
  addresses?: number
}

interface Placed {
  host: NatHost
  namespace: Namespace
  /** From the host outwards */
  routers: Namespace[]
  end: string
}

/** Addresses for tests of networks (RFC 2544, RFC 3849): a /24 and a /64 for each host. */
const netOf = (index: number): string => `198.18.${index}`
const net6Of = (index: number): string => `2001:db8:${index.toString(16)}:`
const MAX_HOSTS = 250

export class NatLab {
  private readonly prefix: string
  private readonly core: Namespace
  private readonly namespaces: Namespace[] = []
  private readonly placed = new Map<string, Placed>()
  private nets = 0
  private links = 0

  private constructor (prefix: string, core: Namespace) {
    this.prefix = prefix
    this.core = core
    this.namespaces.push(core)
  }

  /** @throws {NatLabUnavailableError} */
  static async open (): Promise<NatLab> {
    checkMachine()
    const prefix = newPrefix()
    const core = await Namespace.create(`${prefix}core`)
    await core.sysctl({ 'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1 })
    await core.nft('table inet weather {\n chain forward { type filter hook forward priority filter; policy accept; }\n}')
    return new NatLab(prefix, core)
  }

  get hosts (): NatHost[] {
    return [...this.placed.values()].map(({ host }) => host)
  }

  /** @throws {RangeError} for a name that is there, and beyond 250 networks */
  async addHost (name: string, kind: NatKind, options: LabHostOptions = {}): Promise<NatHost> {
    if (this.placed.has(name) || this.nets + (options.addresses ?? 1) > MAX_HOSTS) {
      throw new RangeError(this.placed.has(name) ? `There is a host ${name} already` : `A laboratory has ${MAX_HOSTS} networks at most`)
    }
    const placed = kind === 'public' ? await this.placePublic(name, options.addresses ?? 1) : await this.placeBehind(name, kind)
    this.placed.set(name, placed)
    return placed.host
  }

  /** The router forgets all mappings, as one that is switched off and on. */
  async rebootNat (name: string): Promise<void> {
    for (const router of this.find(name).routers) {
      await router.exec('conntrack', ['-F'])
    }
  }

  /** So many of the packets to and from a host are lost on the way, 0 to 1. */
  async setLoss (name: string, share: number): Promise<void> {
    await this.setWeather(name, share <= 0 ? undefined : `numgen random mod 1000 < ${Math.round(share * 1000)} drop`)
  }

  /** Nothing comes through any more, without a word; `false` mends it. */
  async setCut (name: string, isCut = true): Promise<void> {
    await this.setWeather(name, isCut ? 'drop' : undefined)
  }

  /** A program in the innermost router of a host, such as one that maps ports on request. */
  spawnInRouter (name: string, program: string, args: string[], options?: SpawnOptions): ChildProcess {
    const [router] = this.find(name).routers
    if (router === undefined) {
      throw new RangeError(`${name} is behind no router`)
    }
    return router.spawn(program, args, options)
  }

  /** Takes all of it away; programs that still run lose their network. */
  async close (): Promise<void> {
    for (const namespace of this.namespaces.splice(0).reverse()) {
      await namespace.delete()
    }
    this.placed.clear()
  }

  private find (name: string): Placed {
    const placed = this.placed.get(name)
    if (placed === undefined) {
      throw new RangeError(`There is no host ${name}`)
    }
    return placed
  }

  private async namespace (suffix: string): Promise<Namespace> {
    const namespace = await Namespace.create(`${this.prefix}${suffix}`)
    this.namespaces.push(namespace)
    return namespace
  }

  private async placePublic (name: string, count: number): Promise<Placed> {
    const namespace = await this.namespace(`h${this.namespaces.length}`)
    const end = `w${this.links++}`
    await cable(this.core, end, namespace, 'eth0')
    const indices = Array.from({ length: count }, () => this.nets++)
    const first = indices[0] as number
    await this.core.ip(indices.flatMap(i => [`addr add ${netOf(i)}.1/24 dev ${end}`, `addr add ${net6Of(i)}:1/64 dev ${end} nodad`]).join('\n'))
    await namespace.ip([
      ...indices.flatMap(i => [`addr add ${netOf(i)}.2/24 dev eth0`, `addr add ${net6Of(i)}:2/64 dev eth0 nodad`]),
      `route add default via ${netOf(first)}.1`,
      `route add ::/0 via ${net6Of(first)}:1`
    ].join('\n'))
    const address = `${netOf(first)}.2`
    return { host: hostOf(name, 'public', namespace, address, address, `${net6Of(first)}:2`), namespace, routers: [], end }
  }

  private async placeBehind (name: string, kind: NatKind): Promise<Placed> {
    const number = this.namespaces.length
    const namespace = await this.namespace(`h${number}`)
    const home = await this.namespace(`r${number}`)
    const index = this.nets++
    const end = `w${this.links++}`
    const publicAddress = `${netOf(index)}.2`
    const hostAddress = '192.168.1.2'
    await home.sysctl({ 'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1 })
    await cable(home, 'lan', namespace, 'eth0')
    await home.ip('addr add 192.168.1.1/24 dev lan')
    await namespace.ip(`addr add ${hostAddress}/24 dev eth0\nroute add default via 192.168.1.1`)

    const routers = [home]
    let outer = home
    if (kind === 'cgnat') {
      outer = await this.namespace(`c${number}`)
      await outer.sysctl({ 'net.ipv4.ip_forward': 1 })
      await cable(outer, 'lan', home, 'wan')
      await outer.ip('addr add 100.64.0.1/24 dev lan')
      await home.ip('addr add 100.64.0.2/24 dev wan\nroute add default via 100.64.0.1')
      await home.nft(natRules({ kind: 'port-restricted', inside: 'lan', outside: 'wan', address: '100.64.0.2', host: hostAddress }))
      routers.push(outer)
    }
    await cable(this.core, end, outer, 'wan0')
    await this.core.ip(`addr add ${netOf(index)}.1/24 dev ${end}`)
    await outer.ip(`addr add ${publicAddress}/24 dev wan0\nroute add default via ${netOf(index)}.1`)
    const inner = kind === 'cgnat' ? '100.64.0.2' : hostAddress
    await outer.nft(natRules({ kind, inside: 'lan', outside: 'wan0', address: publicAddress, host: inner }))
    const address6 = kind === 'ipv6' ? await this.addIPv6(index, end, home, namespace) : undefined
    return { host: hostOf(name, kind, namespace, hostAddress, publicAddress, address6), namespace, routers, end }
  }

  /** A prefix of its own for the home, without a firewall. */
  private async addIPv6 (index: number, end: string, home: Namespace, namespace: Namespace): Promise<string> {
    const outside = net6Of(index)
    const inside = net6Of(0x1000 + index)
    await this.core.ip(`addr add ${outside}:1/64 dev ${end} nodad\nroute add ${inside}:/64 via ${outside}:2`)
    await home.ip([
      `addr add ${outside}:2/64 dev wan0 nodad`,
      `addr add ${inside}:1/64 dev lan nodad`,
      `route add ::/0 via ${outside}:1`
    ].join('\n'))
    await namespace.ip(`addr add ${inside}:2/64 dev eth0 nodad\nroute add ::/0 via ${inside}:1`)
    return `${inside}:2`
  }

  private async setWeather (name: string, rule: string | undefined): Promise<void> {
    const { end } = this.find(name)
    const chain = `host_${end}`
    const rules = rule === undefined ? [] : ['iifname', 'oifname'].map(way => `add rule inet weather ${chain} ${way} "${end}" ${rule}`)
    await this.core.nft([
      `add chain inet weather ${chain} { type filter hook forward priority filter - 1; policy accept; }`,
      `flush chain inet weather ${chain}`,
      ...rules
    ].join('\n'))
  }
}

function hostOf (name: string, kind: NatKind, namespace: Namespace, address: string, publicAddress: string, address6?: string): NatHost {
  return {
    name,
    kind,
    address,
    publicAddress,
    ...address6 === undefined ? {} : { address6 },
    spawn: (program, args, options) => namespace.spawn(program, args, options),
    exec: async (program, args, input) => await namespace.exec(program, args, input)
  }
}
