/** Starts a peer: identity, addresses of earlier runs, libp2p node, membership of the mesh. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromString } from '@libp2p/peer-id'
import { deadline } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import { closeUnused } from '@skein/pex/libp2p'
import { registerBondedAddresses } from '@skein/records'
import { createLibp2p } from 'libp2p'
import { platform } from '#platform'
import { PeerGossip } from './gossip/peer-gossip.ts'
import { PeerScores } from './gossip/peer-scores.ts'
import { limitedDial } from './limited-dial.ts'
import { clusterRegion, meshClusters } from './mesh-clusters.ts'
import { meshOverlays } from './mesh-overlays.ts'
import { MeshMembership } from './mesh-membership.ts'
import { meshOptions } from './mesh-options.ts'
import { acquaintance, exchangeInit, openOutbound } from './outbound-init.ts'
import { Peer, WANTED_RELAYS } from './peer.ts'
import { CallerOrder } from './trust/caller-order.ts'
import { networkName, publicNetwork } from './trust/network-lookup.ts'
import { PeerReceipts } from './trust/peer-receipts.ts'
import { PeerTrust } from './trust/peer-trust.ts'
import { PeerPaths } from './paths/peer-paths.ts'
import { portMappingService } from './paths/port-mapping-service.ts'
import { RelayedListening } from './relay/relayed-listening.ts'
import { meshSuperNodes } from './super-nodes/mesh-super-nodes.ts'
import type { DataDirectory, KeptLedger } from './platform.ts'
import type { SkeinServices } from './mesh-options.ts'
import type { Acquaintance } from './outbound-init.ts'
import type { SelfDescription } from './mesh-membership.ts'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import type { Clock, Random } from '@skein/core'
import type { CapabilityService } from '@skein/reputation/libp2p'
import type { DialBackService } from '@skein/supernode/libp2p'
import { readBootstrap } from './bootstrap.ts'
import type { Bootstrap } from './bootstrap.ts'
import type { PeerInit } from './peer-init.ts'

/**
 * Starts a peer and joins the mesh.
 *
 * @throws {SeedAddressError} when an entry of `bootstrap` is neither a multiaddr nor a name
 * @throws {NameServerError} when an entry of `dns.servers` is none, or there are none in a browser and a name is to be looked up
 * @throws {IdentityFileError} when the identity in `dataDir` cannot be used
 * @throws {DataDirectoryError} when `dataDir` is in use or unusable
 */
export async function createPeer (init: PeerInit = {}): Promise<Peer> {
  registerBondedAddresses() // others may have such, whether this peer can dial them or not
  const clock = init.clock ?? systemClock()
  const random = init.random ?? systemRandom()
  const bootstrap = readBootstrap(init)
  const known = acquaintance(init.pex)
  const data = init.dataDir == null
    ? undefined
    : await platform.openDataDirectory(init.dataDir, init.onDamage ?? (() => {}))

  const receipts = init.reputation === false ? undefined : new PeerReceipts({ options: init.reputation ?? {}, clock, random })
  const paths = init.reachability === false || init.relay === 'off'
    ? undefined
    : new PeerPaths({ options: init.reachability ?? {}, dials: known.pathDials, clock, random })
  const start: Start = { init, data, known, scores: new PeerScores(), callers: new CallerOrder(), receipts, paths, clock, random }
  try {
    const libp2p = await startNode(start)
    try {
      return await join(start, bootstrap, libp2p.node, libp2p.privateKey)
    } catch (error) {
      await libp2p.node.stop()
      throw error
    }
  } catch (error) {
    await start.kept?.stop()
    await data?.addresses.close()
    throw error
  }
}

/** What the steps of a start share. */
interface Start {
  init: PeerInit
  data: DataDirectory | undefined
  known: Acquaintance
  scores: PeerScores
  callers: CallerOrder
  /** Made when the node is: what is thought of others before that is nothing */
  trust?: PeerTrust
  receipts: PeerReceipts | undefined
  paths: PeerPaths | undefined
  /** Made last */
  peer?: Peer
  /** Set once there is a ledger to keep */
  kept?: KeptLedger
  clock: Clock
  random: Random
}

async function startNode (start: Start): Promise<{ node: Libp2p<SkeinServices>, privateKey: PrivateKey }> {
  const { init, data, known, scores, callers, receipts, paths, clock, random } = start
  const told = { ...init.inference, ...receipts?.hooks(init.inference) }
  const privateKey = init.privateKey ?? data?.privateKey ?? await generateKeyPair('Ed25519')
  const listen = init.listen ?? platform.defaultListen
  const node = await createLibp2p({
    ...meshOptions({
      privateKey,
      listen,
      announce: init.announce,
      client: init.client ?? listen.length === 0,
      routing: {
        region: init.region,
        networkOf: init.networkOf ?? publicNetwork,
        trustOf: peer => start.trust?.honesty(peer),
        ...init.routing,
        clock,
        random
      },
      inference: { order: callers, ...told, ...paths?.hooks(told), clock, random },
      gossip: init.gossip === false ? false : { ...init.gossip, scores, clock },
      coordinates: init.gossip === false || init.clusters === false ? undefined : { region: clusterRegion(init.region ?? ''), clock, random },
      dials: known.dials,
      clock,
      relays: init.relay !== 'off',
      reachability: paths?.serviceOf,
      webrtc: paths?.webrtcOf,
      portMapping: portMappingService({
        peer: init,
        listen,
        dialBack: () => dialBackOf(start.peer?.libp2p),
        onChange: detail => { start.peer?.safeDispatchEvent(detail.isConfirmed ? 'port:mapped' : 'port:unmapped', { detail }) },
        clock,
        random
      }),
      pex: exchangeInit(known, clock, random),
      receipts: receipts?.serviceInit(),
      maxConnections: init.maxConnections ?? 300,
      transports: init.transports,
      connectionGater: init.connectionGater,
      inbound: init.inbound,
      agent: 'skein/0.1.0'
    }, init.services ?? {}),
    metrics: init.metrics,
    logger: init.logger
  })
  return { node, privateKey }
}

/** Only a node that dials others back itself has it. */
function dialBackOf (libp2p: Libp2p<SkeinServices> | undefined): DialBackService | undefined {
  return libp2p?.services.dialBack as DialBackService | undefined
}

function capabilityOf ({ init: { checks, onMainsPower }, clock, random }: Start, libp2p: Libp2p, trust: PeerTrust): CapabilityService | undefined {
  const answer = checks === false ? false : checks?.answer ?? (onMainsPower === false ? false : {})
  return platform.capability?.({
    libp2p, answer, clock, random,
    isKnown: peer => trust.ledger.dealings(peer, 'inference') !== undefined || trust.ledger.receiptsWith(peer, clock.nowMs()).length > 0,
    networkOf: peer => trust.networkOf(peer)?.wide
  })
}

async function join (start: Start, bootstrap: Bootstrap, libp2p: Libp2p<SkeinServices>, privateKey: PrivateKey): Promise<Peer> {
  const { init, data, known, scores, clock, random } = start
  const self: SelfDescription = {
    ...platform.hardware(),
    ...init.hardware,
    region: init.region ?? '',
    onMainsPower: init.onMainsPower ?? true,
    loadedModels: [],
    swappableModels: [],
    maxConcurrent: init.inference?.maxConcurrent ?? 0,
    queueDepth: 0,
    effectiveContext: 0,
    priceMicros: 0,
    tasks: []
  }
  const memory = await openOutbound(known, libp2p, data?.addresses, clock, random)
  const outbound = memory?.outbound
  const membership = new MeshMembership({
    libp2p,
    privateKey,
    clock,
    random,
    log: libp2p.logger.forComponent('skein:membership'),
    bootstrap: bootstrap.seeds,
    names: bootstrap.names,
    outbound,
    dials: known.dials,
    describe: () => peer.describe(),
    admission: {
      credentials: init.credentials ?? [],
      ...init.puzzle === false ? {} : { maxPuzzleBits: init.puzzle?.maxBits ?? 6, store: init.puzzle?.store ?? data?.puzzle },
      onProgress: detail => { peer.safeDispatchEvent('puzzle:progress', { detail }) }
    },
    onRefused: refusal => {
      init.onSeedRefusal?.(refusal)
      peer.safeDispatchEvent('seed:refused', { detail: refusal })
    }
  })
  const networkOf = init.networkOf ?? publicNetwork
  const trust = new PeerTrust({ libp2p, networkOf, receipts: start.receipts, clock })
  if (init.reputation !== false) {
    start.kept = await data?.keepLedger(trust.ledger, { saveIntervalMs: init.reputation?.saveIntervalMs, clock })
  }
  start.trust = trust
  start.callers.scoreOf = peer => trust.score(peer, 'inference')
  const { pubsub, relays: client } = libp2p.services
  const gossip = pubsub === undefined ? undefined : new PeerGossip({
    libp2p,
    service: pubsub,
    scores,
    clock,
    log: libp2p.logger.forComponent('skein:gossip'),
    named: bootstrap.seeds.flatMap(seed => seed.kind === 'multiaddr' ? [seed.text] : []),
    onNeighbours: peers => {
      known.neighbours = new Set(peers.map(String))
      libp2p.services.pex?.setNeighbours(peers)
    }
  })
  const connect = limitedDial({ libp2p, dials: known.dials, clock })
  const clusters = gossip === undefined || init.clusters === false ? undefined : meshClusters({
    libp2p,
    topics: gossip.topics,
    connect,
    self,
    dialable: init.client !== true && libp2p.getMultiaddrs().length > 0,
    isDistrusted: peer => trust.isDistrusted(peer, 'inference'),
    options: init.clusters ?? {},
    clock,
    random
  })
  const overlays = gossip === undefined || init.overlays === false ? undefined : meshOverlays({
    libp2p,
    privateKey,
    topics: gossip.topics,
    connect,
    self,
    offerOf: model => peer.offerOf(model),
    options: init.overlays ?? {},
    clock,
    random
  })
  const relays = client == null ? undefined : new RelayedListening({
    client,
    clock,
    random,
    log: libp2p.logger.forComponent('skein:relays'),
    findRelays: async signal => trust.inOrder(await membership.seedRelays(signal), 'relay'),
    networkOf: address => networkName(networkOf, address),
    closeUnused: async relay => await closeUnused({
      getConnections: id => libp2p.getConnections(id), peerStore: libp2p.peerStore
    }, peerIdFromString(relay), clock),
    onWanted: count => { superNodes?.setReserving(count > 0) },
    onChange: ({ relay, addresses, reserved }) => {
      peer.safeDispatchEvent(reserved ? 'relay:reserved' : 'relay:lost', { detail: { relay, addresses } })
    }
  })
  const superNodes = gossip === undefined || init.superNodes === false ? undefined : meshSuperNodes({
    libp2p, connect, region: self.region, trust, networkOf, relays, options: init.superNodes ?? {}, clock, random
  })
  const close = async (): Promise<void> => {
    await memory?.kept.stop()
    await start.kept?.stop()
    await data?.addresses.close()
  }
  const capability = capabilityOf(start, libp2p, trust)
  const checks = { options: init.checks ?? {}, capability, networkOf }
  const peer: Peer = new Peer({
    libp2p,
    membership,
    outbound,
    trust,
    checks,
    gossip,
    clusters,
    overlays,
    relays,
    superNodes,
    paths: start.paths,
    clock,
    random,
    self,
    describe: init.describe,
    close
  })
  start.peer = peer
  trust.start()
  start.paths?.start({
    libp2p,
    stun: () => [...peer.superNodes.flatMap(({ stun }) => stun), ...membership.stunServers],
    dialBack: dialBackOf(libp2p),
    onNetworkChanged: () => {
      libp2p.services.ownAddresses?.refresh().catch((error: Error) => { libp2p.logger.forComponent('skein:paths')('addresses: %s', error.message) })
      relays?.networkChanged()
    },
    onChanged: detail => { peer.safeDispatchEvent('path:changed', { detail }) }
  })
  if (libp2p.services.receipts !== undefined) {
    const isReachedThrough = (relay: string): boolean => relays?.held.some(held => held.relay === relay) === true
    start.receipts?.start({ libp2p, service: libp2p.services.receipts, ledger: trust.ledger, isReachedThrough })
  }
  await capability?.start()
  gossip?.start()
  membership.start()
  memory?.kept.start()
  outbound?.start()
  await clusters?.start()
  overlays?.start()
  superNodes?.start()

  if (bootstrap.seeds.length > 0 || (outbound?.tables.size ?? 0) > 0) {
    const limit = deadline(clock, init.joinTimeoutMs ?? 5_000, [init.signal])
    try {
      await Promise.race([
        membership.whenJoined,
        new Promise<void>(resolve => { limit.signal.addEventListener('abort', () => { resolve() }, { once: true }) })
      ])
    } finally {
      limit.clear()
    }
    if (init.signal?.aborted === true) {
      await peer.stop()
      init.signal.throwIfAborted()
    }
  }
  if (init.relay === 'listen') {
    relays?.want(WANTED_RELAYS)
  }
  return peer
}
