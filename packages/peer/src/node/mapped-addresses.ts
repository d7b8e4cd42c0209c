/**
 * Has the router map the ports that this peer listens at, where it is seen behind one, and tells others of the addresses that come of it: each when
 * somebody in the world who was asked to has dialled it and come in, and not before.
 */
import { createHash } from 'node:crypto'
import { multiaddr } from '@multiformats/multiaddr'
import { isRelayed } from '@skein/records'
import { isLocalAddress } from '@skein/pex'
import { PortMapping } from '@skein/reachability/node'
import { DialBackAsker } from '@skein/supernode/libp2p'
import { mappablePorts } from '../paths/mappable-ports.ts'
import { describeMapping } from '../paths/mapping-text.ts'
import { MappedCandidates } from './mapped-candidates.ts'
import type { IdentifyResult, Libp2pEvents, PrivateKey, Startable, TypedEventTarget } from '@libp2p/interface'
import type { AddressManager, TransportManager } from '@libp2p/interface-internal'
import type { Cancel, Clock, Random } from '@skein/core'
import type { PortMappingOptions } from '@skein/reachability/node'
import type { RouterMapping } from '@skein/reachability/port-mapping'
import type { DialBackComponents, DialBackService } from '@skein/supernode/libp2p'
import type { MappedPort, MappedPorts, PortMappingStatus } from '../paths/mapped-port.ts'
import type { NetworkLookup } from '../trust/network-lookup.ts'

export interface MappedAddressesComponents extends DialBackComponents {
  addressManager: AddressManager
  transportManager: TransportManager
  events: TypedEventTarget<Libp2pEvents>
  privateKey: PrivateKey
}

export interface MappedAddressesInit {
  options: PortMappingOptions
  /** Addresses are given by hand */
  isAnnounced: boolean
  networkOf: NetworkLookup
  /** What asks others to dial back where this node has it anyway; asked for when it is needed */
  dialBack: () => Pick<DialBackService, 'askDialBack'> | undefined
  /** Others come in there now, or no more */
  onChange: (port: MappedPort) => void
  clock: Clock
  random: Random
}

/** libp2p does not tell when the machine is in another network. */
const LOOK_INTERVAL_MS = 10_000
const MAX_SEEN = 8

export class MappedAddresses implements Startable, MappedPorts {
  readonly [Symbol.toStringTag] = '@skein/mapped-addresses'
  private readonly components: MappedAddressesComponents
  private readonly init: MappedAddressesInit
  private readonly candidates: MappedCandidates
  private readonly seenAt = new Set<string>()
  private mapping: PortMapping
  private isStopped = false
  private isWanted = false
  private network = ''
  private why = ''
  private cancelLook: Cancel | undefined

  /** @throws {RangeError} when an option makes no sense */
  constructor (components: MappedAddressesComponents, init: MappedAddressesInit) {
    this.components = components
    this.init = init
    const asker = new DialBackAsker(components, init)
    this.candidates = new MappedCandidates({
      ask: async (addresses, signal) => await (init.dialBack() ?? asker).askDialBack(addresses, { signal }),
      onOpen: port => { this.announce(port.mapping) },
      onClosed: port => { this.withdraw(port.mapping) },
      onChange: port => {
        // at the end all are closed, which is no news
        if (!this.isStopped) {
          init.onChange(port)
        }
      },
      clock: init.clock
    })
    this.mapping = this.newMapping()
  }

  start (): void {
    if (this.isStopped) {
      this.isStopped = false
      this.mapping = this.newMapping()
    }
    this.components.events.addEventListener('peer:identify', this.onIdentify)
    this.components.events.addEventListener('transport:listening', this.look)
    this.network = this.ownHosts()
    this.again()
  }

  /** The router is told to close the ports; that takes two seconds at most. */
  async stop (): Promise<void> {
    this.cancelLook?.()
    this.components.events.removeEventListener('peer:identify', this.onIdentify)
    this.components.events.removeEventListener('transport:listening', this.look)
    this.isStopped = true
    await this.mapping.stop()
    this.candidates.stop()
  }

  get status (): PortMappingStatus {
    return describeMapping({ why: this.why, ports: this.candidates.ports, problem: this.mapping.problem, isWanted: this.isWanted })
  }

  get counters (): MappedPorts['counters'] {
    return { ...this.mapping.counters, dial_backs_total: this.candidates.counters }
  }

  private newMapping (): PortMapping {
    const { options, clock, random } = this.init
    const secret = this.components.privateKey.raw
    return new PortMapping({
      ...options,
      // the same ones after a crash, or the router would not let this peer have its own port again until the mapping ends
      nonceOf: port => createHash('sha256').update('/skein/port-mapping/1.0.0 nonce').update(secret).update(String(port)).digest().subarray(0, 12),
      onOpened: mapping => { this.candidates.add(mapping, this.suffixOf(mapping.internalPort)) },
      onClosed: mapping => { this.candidates.remove(mapping) },
      clock,
      random
    })
  }

  private readonly onIdentify = ({ detail }: CustomEvent<IdentifyResult>): void => {
    const { connection, observedAddr } = detail
    const [host] = /^\/ip4\/[^/]+/.exec(observedAddr?.toString() ?? '') ?? []
    if (host !== undefined && connection.direction === 'outbound' && !isRelayed(connection) && !isLocalAddress(host) && this.seenAt.size < MAX_SEEN) {
      this.seenAt.add(host)
      this.look()
    }
  }

  private again (): void {
    const { clock } = this.init
    this.look()
    this.cancelLook = clock.schedule(clock.nowMs() + LOOK_INTERVAL_MS, () => { this.again() })
  }

  private readonly look = (): void => {
    const network = this.ownHosts()
    if (network !== this.network) {
      const before = this.network
      this.network = network
      // the first address, or one more, is no other network
      if (before !== '' && !before.split(' ').every(host => network.split(' ').includes(host))) {
        this.seenAt.clear()
        this.mapping.networkChanged()
      }
    }
    const { ports, why } = mappablePorts({ listening: this.listening(), isAnnounced: this.init.isAnnounced, seenAt: [...this.seenAt] })
    this.why = why
    this.isWanted = ports.length > 0
    this.mapping.setPorts(ports)
  }

  private announce ({ internalAddress, internalPort, externalAddress, externalPort }: RouterMapping): void {
    const { addressManager } = this.components
    addressManager.addPublicAddressMapping(internalAddress, internalPort, externalAddress, externalPort, 'tcp')
    addressManager.confirmObservedAddr(multiaddr(`/ip4/${externalAddress}/tcp/${externalPort}`), { type: 'ip-mapping' })
  }

  private withdraw ({ internalAddress, internalPort, externalAddress, externalPort }: RouterMapping): void {
    this.components.addressManager.removePublicAddressMapping(internalAddress, internalPort, externalAddress, externalPort, 'tcp')
  }

  private listening (): string[] {
    return this.components.transportManager.getAddrs().map(address => address.toString()).filter(address => !address.includes('/p2p-circuit'))
  }

  private ownHosts (): string {
    const hosts = this.listening().flatMap(address => /^\/ip4\/([\d.]+)\/tcp\//.exec(address)?.[1] ?? []).filter(host => !host.startsWith('127.'))
    return [...new Set(hosts)].sort().join(' ')
  }

  /** `/ws` where that is spoken at the port. */
  private suffixOf (port: number): string {
    return this.listening().flatMap(address => new RegExp(`^/ip4/[^/]+/tcp/${port}((?:/tls)?/wss?)?(?:/p2p/|$)`).exec(address)?.[1] ?? [])[0] ?? ''
  }
}
