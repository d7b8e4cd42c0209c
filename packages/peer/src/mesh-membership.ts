/** Drives `Membership` over a libp2p node: dials and registers at seeds, and tells the address tables of whom they name. */
import { BoundedMap, MachineDriver } from '@skein/core'
import { MAX_CAPABILITIES_LIFE_MS, MAX_SEED_RELAYS, PROTOCOLS, signCapabilities, toldAddresses } from '@skein/records'
import { multiaddr } from '@multiformats/multiaddr'
import { AdmissionProofs } from './admission/admission-proofs.ts'
import { Membership } from './membership.ts'
import { askSeed } from './seed-client.ts'
import { SeedDirectory } from './seed-directory.ts'
import { nameOf } from './seed-selection.ts'
import type { AdmissionProofsInit } from './admission/admission-proofs.ts'
import type { SeedRefusal } from './admission/seed-refusal.ts'
import type { MembershipEffect } from './membership.ts'
import type { NameResolver } from './name-resolver.ts'
import type { SeedAddress, SeedName } from './seed-address.ts'
import type { KnownRelay } from './relay/relay-keeper.ts'
import type { AskSeedInit, SeedAnswer } from './seed-client.ts'
import type { SeedNameError } from './seed-name-error.ts'
import type { Connection, IdentifyResult, Libp2p, Logger, PeerId, PrivateKey } from '@libp2p/interface'
import type { Clock, Random } from '@skein/core'
import type { DialLimits } from '@skein/pex'
import type { OutboundConnections } from '@skein/pex/libp2p'
import type { Capabilities, SeedModel, SignedCapabilities } from '@skein/records'

/** What a peer says of itself, without what each signing fills in. */
export type SelfDescription = Omit<Capabilities, 'peer' | 'addresses' | 'seq' | 'issuedAtMs' | 'expiresAtMs'>

export interface MeshMembershipInit {
  libp2p: Libp2p
  privateKey: PrivateKey
  clock: Clock
  random: Random
  log: Logger
  bootstrap: SeedAddress[]
  /** What looks up the names among them */
  names?: SeedNamesLookup
  /** Told of whom seeds name, and of the connections that are made here; left out, nobody is remembered */
  outbound?: Pick<OutboundConnections, 'learn' | 'onChosen'>
  /** Limits of dials of those whom seeds name */
  dials: DialLimits
  wantedConnections?: number
  /** Asked before each registration */
  describe: () => SelfDescription
  /** What is shown to seeds that ask for something */
  admission: Omit<AdmissionProofsInit, 'peer' | 'clock' | 'signal' | 'onStoreFailure'>
  /** Told when a seed refuses to register this peer, and what is done about it */
  onRefused: (refusal: SeedRefusal) => void
  /** Registers at seeds; a seed itself does not @default true */
  register?: boolean
}

export interface SeedNamesLookup {
  resolver: NameResolver
  defaultTtlMs?: number
  /** Told when a name begins to fail, or fails in another way */
  onFailure?: (error: SeedNameError) => void
}

type Wanted = Pick<AskSeedInit, 'capabilities' | 'wantPeers' | 'wantModels' | 'wantRelays' | 'connections' | 'proofs'>

/** How long a join waits for a second bootstrap peer, when there may be one, after the first has answered, ms. */
const SECOND_PEER_MS = 1_000
/** Seeds of which it is remembered that they refuse. */
const MAX_REFUSALS = 64
const MAX_STUN_SEEDS = 64
/** Addresses that a registration names. */
const MAX_TOLD_ADDRESSES = 4

export class MeshMembership {
  private readonly init: MeshMembershipInit
  private readonly driver: MachineDriver<MembershipEffect, Membership>
  private readonly stopped = new AbortController()
  private readonly joined = Promise.withResolvers<void>()
  private readonly directory?: SeedDirectory
  private readonly proofs: AdmissionProofs
  /** Seeds that refuse this peer now */
  private readonly refusedBy = new BoundedMap<string, SeedRefusal>({ maxSize: MAX_REFUSALS })
  private readonly seeds = new Map<string, PeerId>()
  /** Connected peers that have told what they speak */
  private readonly identified = new Set<string>()
  private seq = 0
  /** By seed: where it answers STUN */
  private readonly stun = new BoundedMap<string, string[]>({ maxSize: MAX_STUN_SEEDS })
  /** The addresses that the last record named */
  private told = ''
  private cancelJoin?: () => void

  constructor (init: MeshMembershipInit) {
    this.init = init
    const bootstrap = init.bootstrap.flatMap(seed => seed.kind === 'multiaddr' && !this.isOwn(seed.text) ? [seed.text] : [])
    this.directory = this.openDirectory()
    this.proofs = new AdmissionProofs({
      ...init.admission,
      peer: init.libp2p.peerId.toString(),
      clock: init.clock,
      signal: this.stopped.signal,
      onStoreFailure: error => { init.log.error('the solution of the puzzle is not kept: %s', error.message) }
    })
    this.driver = new MachineDriver({
      machine: new Membership({ bootstrap, wantedConnections: init.wantedConnections }, init.random),
      clock: init.clock,
      perform: effect => { void this.perform(effect) }
    })
  }

  /** Seeds connected now. */
  get connectedSeeds (): PeerId[] {
    return [...this.seeds.values()]
  }

  /** Where the connected seeds answer STUN, multiaddr texts. */
  get stunServers (): string[] {
    return [...this.stun].flatMap(([seed, addresses]) => this.seeds.has(seed) ? addresses : [])
  }

  /** Of the seeds that refuse this peer now. */
  get refusals (): SeedRefusal[] {
    return [...this.refusedBy.values()]
  }

  /** Resolves once another node is connected and has told what it speaks; with several bootstrap peers, soon after the first or with the second. */
  get whenJoined (): Promise<void> {
    return this.joined.promise
  }

  start (): void {
    const { libp2p } = this.init
    libp2p.addEventListener('connection:open', this.onOpen)
    libp2p.addEventListener('peer:disconnect', this.onDisconnect)
    libp2p.addEventListener('peer:identify', this.onIdentify)
    libp2p.addEventListener('self:peer:update', this.onSelfUpdate)
    this.driver.input((machine, nowMs) => { machine.onStart(nowMs) })
    this.directory?.start()
  }

  stop (): void {
    const { libp2p } = this.init
    this.stopped.abort()
    this.directory?.stop()
    this.driver.stop()
    this.cancelJoin?.()
    libp2p.removeEventListener('connection:open', this.onOpen)
    libp2p.removeEventListener('peer:disconnect', this.onDisconnect)
    libp2p.removeEventListener('peer:identify', this.onIdentify)
    libp2p.removeEventListener('self:peer:update', this.onSelfUpdate)
  }

  /** Models, load or region changed: tell the seeds. */
  capabilitiesChanged (): void {
    this.driver.input((machine, nowMs) => { machine.onCapabilitiesChanged(nowMs) })
  }

  /** The models that the connected seeds know of. */
  async seedModels (signal?: AbortSignal): Promise<SeedModel[]> {
    const answers = await Promise.allSettled(this.connectedSeeds.slice(0, 3).map(async seed => await this.ask(seed, { wantModels: 200 }, signal)))
    signal?.throwIfAborted()
    return answers.flatMap(answer => answer.status === 'fulfilled' ? answer.value.models : [])
  }

  /** The relays that the connected seeds would send this peer to: the first choice of each before the second of any. */
  async seedRelays (signal?: AbortSignal): Promise<KnownRelay[]> {
    const seeds = this.connectedSeeds.slice(0, 3)
    const answers = await Promise.allSettled(seeds.map(async seed => await this.ask(seed, { wantRelays: MAX_SEED_RELAYS }, signal)))
    signal?.throwIfAborted()
    const lists = answers.map(answer => answer.status === 'fulfilled' ? answer.value.relays : [])
    const relays = new Map<string, KnownRelay>()
    for (let place = 0; place < MAX_SEED_RELAYS; place++) {
      for (const { capabilities: { peer, addresses } } of lists.flatMap(list => list[place] ?? [])) {
        if (!relays.has(peer) && peer !== this.init.libp2p.peerId.toString()) {
          relays.set(peer, { peer, addresses })
        }
      }
    }
    return [...relays.values()]
  }

  /** What this peer is and can do, signed now. */
  async signSelf (): Promise<SignedCapabilities> {
    const nowMs = Math.floor(this.init.clock.nowMs())
    this.seq = Math.max(this.seq + 1, nowMs)
    const addresses = this.toldAddresses()
    this.told = addresses.join()
    return await signCapabilities({
      ...this.init.describe(),
      peer: this.init.libp2p.peerId.toString(),
      addresses,
      seq: this.seq,
      issuedAtMs: nowMs,
      expiresAtMs: nowMs + MAX_CAPABILITIES_LIFE_MS
    }, this.init.privateKey)
  }

  private readonly onSelfUpdate = (): void => {
    if (this.told !== '' && this.toldAddresses().join() !== this.told) {
      this.capabilitiesChanged()
    }
  }

  private toldAddresses (): string[] {
    return toldAddresses(this.init.libp2p.getMultiaddrs().map(address => withoutPeer(address.toString())), MAX_TOLD_ADDRESSES)
  }

  private readonly onOpen = (event: CustomEvent<Connection>): void => {
    this.driver.input(machine => { machine.onConnected(event.detail.remotePeer.toString()) })
  }

  private readonly onDisconnect = (event: CustomEvent<PeerId>): void => {
    const peer = event.detail.toString()
    this.seeds.delete(peer)
    this.identified.delete(peer)
    this.driver.input((machine, nowMs) => { machine.onDisconnected(peer, nowMs) })
    this.askNamesAgain()
  }

  private readonly onIdentify = (event: CustomEvent<IdentifyResult>): void => {
    const { peerId, protocols } = event.detail
    const peer = peerId.toString()
    const seed = protocols.includes(PROTOCOLS.seed)
    this.identified.add(peer)
    if (seed && this.init.register !== false) {
      this.seeds.set(peer, peerId)
      this.driver.input((machine, nowMs) => { machine.onSeed(peer, nowMs) })
    }
    if (protocols.includes(PROTOCOLS.routing) || seed) {
      const { clock } = this.init
      this.cancelJoin ??= clock.schedule(clock.nowMs() + SECOND_PEER_MS, () => { this.joined.resolve() })
      this.checkJoined()
    }
  }

  /** A peer that is connected but has not told what it speaks cannot be asked for anything yet. */
  private checkJoined (): void {
    const silent = this.init.libp2p.getPeers().some(peer => !this.identified.has(peer.toString()))
    if (this.cancelJoin !== undefined && !silent && !this.driver.machine.awaitsSecond && this.directory?.pending !== true) {
      this.cancelJoin()
      this.joined.resolve()
    }
  }

  private async perform (effect: MembershipEffect): Promise<void> {
    if (effect.type === 'dial') {
      await this.dial(effect)
    } else {
      await this.register(effect.seed)
    }
  }

  private async dial ({ address, suggested }: Extract<MembershipEffect, { type: 'dial' }>): Promise<void> {
    const { libp2p, log, outbound, dials, clock } = this.init
    let peer: string | undefined
    try {
      // those that the user gave are dialled as often as it takes
      if (suggested && dials.take([address], clock.nowMs()).length === 0) {
        throw new Error('its network was dialled as often as is allowed in a minute')
      }
      const connection = await libp2p.dial(multiaddr(address), { signal: this.stopped.signal })
      peer = connection.remotePeer.toString()
      outbound?.onChosen(connection.remotePeer, suggested ? 'suggested' : 'given')
    } catch (error) {
      log('dialing %s failed: %s', address, (error as Error).message)
    }
    this.driver.input((machine, nowMs) => {
      if (peer != null) {
        machine.onConnected(peer)
      }
      machine.onDialed(address, peer, nowMs)
    })
    this.askNamesAgain()
    this.checkJoined()
  }

  private isOwn (address: string): boolean {
    return address.endsWith(`/p2p/${this.init.libp2p.peerId.toString()}`)
  }

  private openDirectory (): SeedDirectory | undefined {
    const { bootstrap, names, libp2p, clock, random, log } = this.init
    const named = bootstrap.filter((seed): seed is SeedName => seed.kind !== 'multiaddr')
    if (names === undefined || named.length === 0) {
      return undefined
    }
    return new SeedDirectory({
      names: named,
      resolver: names.resolver,
      defaultTtlMs: names.defaultTtlMs,
      clock,
      random,
      isOwn: address => this.isOwn(address),
      isDialable: async address => await libp2p.isDialable(multiaddr(address)),
      onAddresses: addresses => {
        log('names of seeds stand for %d addresses', addresses.length)
        this.driver.input((machine, nowMs) => { machine.onBootstrap(addresses, nowMs) })
        this.checkJoined()
      },
      onFailure: (error, isNew) => {
        log.error('%s', error.message)
        if (isNew) {
          names.onFailure?.(error)
        }
        this.checkJoined()
      }
    })
  }

  private askNamesAgain (): void {
    if (this.driver.machine.bootstrapFails) {
      this.directory?.onSeedsFail()
    }
  }

  private async register (seed: string): Promise<void> {
    const peerId = this.seeds.get(seed)
    try {
      if (peerId == null) {
        throw new Error('The seed is not connected')
      }
      const answer = await this.ask(peerId, {
        capabilities: Uint8Array.from((await this.signSelf()).envelope),
        proofs: this.proofs.proofsFor(seed),
        wantPeers: 20,
        connections: this.init.libp2p.getPeers().filter(peer => !peer.equals(peerId)).length
      })
      this.init.outbound?.learn(peerId, answer.peers.map(text => ({ peer: nameOf(text), addresses: [text] })))
      this.driver.input((machine, nowMs) => { machine.onSeedAnswer(seed, answer, nowMs) })
      if (answer.refusal === undefined) {
        this.refusedBy.delete(seed)
      } else {
        await this.onRefusal({ seed, ...answer.refusal })
      }
    } catch (error) {
      this.init.log('registering at %s failed: %s', seed, (error as Error).message)
      this.driver.input((machine, nowMs) => { machine.onSeedFailed(seed, nowMs) })
    }
  }

  private async onRefusal (refusal: SeedRefusal): Promise<void> {
    const { seed, unmet } = refusal
    const remedy = this.proofs.remedyFor(seed, unmet)
    this.init.log('seed %s refused the registration: %s: %s', seed, refusal.reason, refusal.message)
    this.refusedBy.set(seed, { ...refusal, remedy })
    this.init.onRefused({ ...refusal, remedy })
    if (remedy !== undefined) {
      try {
        await this.proofs.apply(seed, remedy, unmet)
        this.driver.input((machine, nowMs) => { machine.onAdmissible(seed, nowMs) })
      } catch (error) {
        this.init.log('what seed %s asks for was given up: %s', seed, (error as Error).message)
      }
    }
  }

  private async ask (seed: PeerId, want: Wanted, signal?: AbortSignal): Promise<SeedAnswer> {
    const { libp2p, clock } = this.init
    const ending = signal == null ? this.stopped.signal : AbortSignal.any([signal, this.stopped.signal])
    const answer = await askSeed({ libp2p, clock, seed, signal: ending, ...want })
    this.stun.set(seed.toString(), answer.stun)
    return answer
  }
}

function withoutPeer (address: string): string {
  return address.replace(/\/p2p\/[^/]+$/, '')
}
