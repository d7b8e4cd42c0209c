/**
 * A laboratory of NATs: hosts behind routers of each kind on an Internet of their own, in network namespaces of this machine. Root and Linux only.
 * Programs are run in a host with `spawn`; their packets go through real NATs, whose kind `packages/testnet/test/nat-lab` verifies.
 */
import { cable, checkMachine, Namespace, newPrefix } from './namespaces.ts'
import { FORGET, hasMemory, natRules } from './nat-kind.ts'
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import type { NatKind } from './nat-kind.ts'

export interface NatHost {
  readonly name: string
  readonly kind: NatKind
  /** Its own IPv4 address; behind a NAT one that nobody else can use */
  readonly address: string
  /** Under which others see it */
  readonly publicAddress: string
  /** All of those, the first one among them: a STUN server needs two */
  readonly publicAddresses: readonly string[]
  /** Public; not there without */
  readonly address6?: string
  readonly addresses6: readonly string[]
  /** A program in this host. The caller ends it */
  spawn: (program: string, args: string[], options?: SpawnOptions) => ChildProcess
  /** A program to its end: what it printed @throws when it fails */
  exec: (program: string, args: string[], input?: string) => Promise<string>
}

export interface LabHostOptions {
  /** Further addresses of a public host, each in a network of its own: a STUN server needs two @default 1 */
  addresses?: number
}

interface Uplink {
  namespace: Namespace
  /** From the host outwards */
  routers: Namespace[]
  /** The cable's end in the core, and the networks that lead to it */
  end: string
  nets: number[]
}

interface Placed extends Uplink {
  host: NatHost
}

/**
 * A /24 and a /64 for each host, no two in a /16 or a /32: rules against many peers of one owner tell them apart. They are ordinary addresses, which
 * others have in the world: those for documentation count as private in places, and nothing leads out of the laboratory.
 */
const netOf = (index: number): string => `45.${index + 1}.7`
const net6Of = (index: number): string => `2a01:${(index + 1).toString(16)}:7:`
/** Of hosts behind routers */
const HOME = '192.168.1'
const CARRIER = '100.64.0'
const MAX_NETS = 250

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

  /** @throws {RangeError} for a name that is there, and when all networks are taken */
  async addHost (name: string, kind: NatKind, options: LabHostOptions = {}): Promise<NatHost> {
    if (this.placed.has(name)) {
      throw new RangeError(`There is a host ${name} already`)
    }
    const placed = kind === 'public' ? await this.placePublic(name, options.addresses ?? 1) : await this.placeBehind(name, kind)
    this.placed.set(name, placed)
    return placed.host
  }

  /** The router forgets all mappings, as one that is switched off and on. */
  async rebootNat (name: string): Promise<void> {
    const { host, routers } = this.find(name)
    for (const router of routers) {
      await router.exec('conntrack', ['-F'])
    }
    if (hasMemory(host.kind)) {
      await routers[0]?.nft(FORGET)
    }
  }

  /**
   * The host goes to another uplink of the same kind, as from one Wi-Fi to another: it and its router have other addresses, and none of those before
   * works any more. Connections are not told.
   */
  async changeUplink (name: string): Promise<NatHost> {
    const placed = this.find(name)
    const { host, namespace, routers } = placed
    const before = placed.nets
    placed.nets = before.map(() => this.takeNet())
    if (routers.length === 0) {
      await namespace.ip(before.flatMap(net => [`addr del ${netOf(net)}.2/24 dev eth0`, `addr del ${net6Of(net)}:2/64 dev eth0`]).join('\n'))
      placed.host = await this.connectPublic(name, placed)
    } else {
      const [home, outer] = [routers[0], routers.at(-1)] as [Namespace, Namespace]
      const [net] = before as [number]
      await namespace.ip(`addr del ${host.address}/24 dev eth0`)
      await outer.ip(`addr del ${netOf(net)}.2/24 dev wan0`)
      if (host.address6 !== undefined) {
        await namespace.ip(`addr del ${host.address6}/64 dev eth0`)
        await home.ip(`addr del ${net6Of(0x1000 + net)}:1/64 dev lan\naddr del ${net6Of(net)}:2/64 dev wan0`)
      }
      for (const router of routers) {
        await router.nft('flush ruleset')
        await router.exec('conntrack', ['-F'])
      }
      placed.host = await this.connectBehind(name, host.kind, placed, Number(host.address.split('.').at(-1)) + 1)
    }
    return placed.host
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
    return this.routerOf(name).spawn(program, args, options)
  }

  async execInRouter (name: string, program: string, args: string[], input?: string): Promise<string> {
    return await this.routerOf(name).exec(program, args, input)
  }

  /** Takes all of it away; programs that still run lose their network. */
  async close (): Promise<void> {
    for (const namespace of this.namespaces.splice(0).reverse()) {
      await namespace.delete()
    }
    this.placed.clear()
  }

  private routerOf (name: string): Namespace {
    const [router] = this.find(name).routers
    if (router === undefined) {
      throw new RangeError(`${name} is behind no router`)
    }
    return router
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

  /** @throws {RangeError} when there are none left */
  private takeNet (): number {
    if (this.nets >= MAX_NETS) {
      throw new RangeError(`A laboratory has ${MAX_NETS} networks at most`)
    }
    return this.nets++
  }

  private async placePublic (name: string, count: number): Promise<Placed> {
    const namespace = await this.namespace(`h${this.namespaces.length}`)
    const uplink = { namespace, routers: [], end: `w${this.links++}`, nets: Array.from({ length: count }, () => this.takeNet()) }
    await cable(this.core, uplink.end, namespace, 'eth0')
    return { host: await this.connectPublic(name, uplink), ...uplink }
  }

  private async connectPublic (name: string, { namespace, nets, end }: Uplink): Promise<NatHost> {
    const [first] = nets as [number]
    await this.core.ip(nets.flatMap(i => [`addr add ${netOf(i)}.1/24 dev ${end}`, `addr add ${net6Of(i)}:1/64 dev ${end} nodad`]).join('\n'))
    await namespace.ip([
      ...nets.flatMap(i => [`addr add ${netOf(i)}.2/24 dev eth0`, `addr add ${net6Of(i)}:2/64 dev eth0 nodad`]),
      `route replace default via ${netOf(first)}.1`,
      `route replace ::/0 via ${net6Of(first)}:1`
    ].join('\n'))
    const addresses = nets.map(net => `${netOf(net)}.2`)
    return hostOf(name, 'public', namespace, { address: addresses[0] as string, addresses, addresses6: nets.map(net => `${net6Of(net)}:2`) })
  }

  private async placeBehind (name: string, kind: NatKind): Promise<Placed> {
    const number = this.namespaces.length
    const namespace = await this.namespace(`h${number}`)
    const home = await this.namespace(`r${number}`)
    const uplink = { namespace, routers: [home], end: `w${this.links++}`, nets: [this.takeNet()] }
    await home.sysctl({ 'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1 })
    await cable(home, 'lan', namespace, 'eth0')
    await home.ip(`addr add ${HOME}.1/24 dev lan`)
    if (kind === 'cgnat') {
      const carrier = await this.namespace(`c${number}`)
      uplink.routers.push(carrier)
      await carrier.sysctl({ 'net.ipv4.ip_forward': 1 })
      await cable(carrier, 'lan', home, 'wan')
      await carrier.ip(`addr add ${CARRIER}.1/24 dev lan`)
      await home.ip(`addr add ${CARRIER}.2/24 dev wan\nroute add default via ${CARRIER}.1`)
    }
    await cable(this.core, uplink.end, uplink.routers.at(-1) as Namespace, 'wan0')
    return { host: await this.connectBehind(name, kind, uplink, 2), ...uplink }
  }

  private async connectBehind (name: string, kind: NatKind, { namespace, routers, nets, end }: Uplink, number: number): Promise<NatHost> {
    const [home, outer] = [routers[0], routers.at(-1)] as [Namespace, Namespace]
    const [net] = nets as [number]
    const address = `${HOME}.${number}`
    const publicAddress = `${netOf(net)}.2`
    await namespace.ip(`addr add ${address}/24 dev eth0\nroute replace default via ${HOME}.1`)
    await this.core.ip(`addr add ${netOf(net)}.1/24 dev ${end}`)
    await outer.ip(`addr add ${publicAddress}/24 dev wan0\nroute replace default via ${netOf(net)}.1`)
    if (home === outer) {
      await outer.nft(natRules({ kind, inside: 'lan', outside: 'wan0', address: publicAddress, host: address }))
    } else {
      await home.nft(natRules({ kind: 'port-restricted', inside: 'lan', outside: 'wan', address: `${CARRIER}.2`, host: address }))
      await outer.nft(natRules({ kind: 'port-restricted', inside: 'lan', outside: 'wan0', address: publicAddress, host: `${CARRIER}.2` }))
    }
    const addresses6 = kind === 'ipv6' ? [await this.addIPv6(net, end, home, namespace)] : []
    return hostOf(name, kind, namespace, { address, addresses: [publicAddress], addresses6 })
  }

  /** A prefix of its own for the home, without a firewall. */
  private async addIPv6 (net: number, end: string, home: Namespace, namespace: Namespace): Promise<string> {
    const outside = net6Of(net)
    const inside = net6Of(0x1000 + net)
    await this.core.ip(`addr add ${outside}:1/64 dev ${end} nodad\nroute add ${inside}:/64 via ${outside}:2`)
    await home.ip([
      `addr add ${outside}:2/64 dev wan0 nodad`,
      `addr add ${inside}:1/64 dev lan nodad`,
      `route replace ::/0 via ${outside}:1`
    ].join('\n'))
    await namespace.ip(`addr add ${inside}:2/64 dev eth0 nodad\nroute replace ::/0 via ${inside}:1`)
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

interface Addresses {
  /** The host's own */
  address: string
  /** Under which others see it */
  addresses: string[]
  addresses6: string[]
}

function hostOf (name: string, kind: NatKind, namespace: Namespace, { address, addresses, addresses6 }: Addresses): NatHost {
  const [address6] = addresses6
  return {
    name,
    kind,
    address,
    publicAddress: addresses[0] as string,
    publicAddresses: addresses,
    addresses6,
    ...address6 === undefined ? {} : { address6 },
    spawn: (program, args, options) => namespace.spawn(program, args, options),
    exec: async (program, args, input) => await namespace.exec(program, args, input)
  }
}
