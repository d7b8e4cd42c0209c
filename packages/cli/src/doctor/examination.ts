/** Starts a peer as its user would and finds out how others reach it: seeds, clock, NAT, dial-backs, relays. */
import { networkInterfaces } from 'node:os'
import { deadline, DeadlineError } from '@skein/core'
import { createPeer, publicNetwork } from '@skein/peer'
import { askNat } from '@skein/peer/node'
import { isLocalAddress } from '@skein/pex'
import { dialBack } from '@skein/supernode/libp2p'
import { addressList } from './address-list.ts'
import { dialBackRound } from './dial-back-round.ts'
import { ReachProbe } from './reach-probe.ts'
import { probeRouter } from './router-probe.ts'
import { visitSeeds } from './seed-visit.ts'
import type { Clock, Random } from '@skein/core'
import type { Peer, PeerInit } from '@skein/peer'
import type { NatVerdict, ReachFindings } from '@skein/reachability'
import type { DialBackComponents, DialBackService } from '@skein/supernode/libp2p'
import type { ReachProbeComponents } from './reach-probe.ts'
import type { ProbedRouter } from './router-probe.ts'
import type { SeedVisit } from './seed-visit.ts'

export type ExaminationStep = 'start' | 'seeds' | 'router' | 'nat' | 'dial_back' | 'relays'

export interface Examination {
  /** Peer id */
  peer: string
  findings: ReachFindings
  seeds: SeedVisit[]
}

export interface ExaminationInit {
  peer: PeerInit
  /** Whether the router is asked to map a port */
  mapsPorts: boolean
  /** STUN servers beside those of the seeds, multiaddr texts */
  stun: readonly string[]
  /** For all of it, ms; what is not known by then is left open */
  timeoutMs: number
  onStep: (step: ExaminationStep) => void
  signal: AbortSignal
  clock: Clock
  random: Random
}

const JOIN_TIMEOUT_MS = 4_000
/** One that maps ports does so within a second; one that does not is asked by UPnP for 2 s. */
const ROUTER_TIMEOUT_MS = 4_000
const NAT_TIMEOUT_MS = 9_500
/** Each that is silent costs 3 s. */
const MAX_STUN_SERVERS = 3
const RELAY_TIMEOUT_MS = 5_000
/** Kept of the whole time, for the end of the peer and the report. */
const RESERVE_MS = 1_000
/** A person waits for it: a lost datagram or two are made good, silence is taken for one after 1.5 s. */
const NAT_PATIENCE = { rtoMs: 80, sends: 3, filterSends: 2 }

/** @throws what aborted it, when `signal` fires */
export async function examine (init: ExaminationInit): Promise<Examination> {
  const { clock, signal, onStep } = init
  const endsMs = clock.nowMs() + init.timeoutMs - RESERVE_MS
  onStep('start')
  const { peer, probe, dialBacks, listenProblem } = await start(init)
  let routing: Promise<ProbedRouter | undefined> | undefined
  try {
    onStep('seeds')
    const visiting = visitSeeds(peer, init.peer.bootstrap ?? [], clock, signal)
    routing = Promise.race([probe.whenSeen, visiting]).then(async () => await askRouter(init, probe))
    routing.catch(() => {}) // what aborted it is thrown below
    const seeds = await visiting
    // one within the same network sees nothing of the router before it
    const stun = [...new Set([...init.stun, ...seeds.flatMap(visit => visit.stun)])].filter(address => !isLocalAddress(address))

    onStep('nat')
    const asking = natOf(stun, init)
    const router = await routing
    const mapped = router?.finding !== undefined && 'address' in router.finding ? [router.finding.address] : []
    const list = addressList({ listening: probe.listening, announced: init.peer.announce ?? [], mapped, seenAt: probe.seenAt })
    if (list.some(({ isLocal }) => !isLocal)) {
      onStep('dial_back')
    }
    const verifiers = seeds.flatMap(visit => visit.peer ?? [])
    const round = await dialBackRound({ peer, dialBack: dialBacks, list, seeds: verifiers, timeoutMs: endsMs - clock.nowMs(), signal })
    const isRelayNeeded = !round.addresses.some(({ reached }) => reached > 0)
    const relays = isRelayNeeded && seeds.some(({ answered }) => answered)
      ? await reserve(peer, Math.min(RELAY_TIMEOUT_MS, endsMs - clock.nowMs()), init)
      : { relays: [] }
    const nat = await asking
    signal.throwIfAborted()
    return {
      peer: peer.id,
      seeds,
      findings: {
        ...listenProblem === undefined ? {} : { listenProblem },
        isPortFixed: (init.peer.listen ?? []).some(address => /\/tcp\/[1-9]/.test(address)),
        seeds,
        ...nat === undefined ? {} : { nat },
        ...router?.finding === undefined ? {} : { portMapping: router.finding },
        stunServers: stun.length,
        localAddresses: localAddresses(),
        ...round,
        ...relays,
        isRelayNeeded
      }
    }
  } finally {
    const router = await routing?.catch(() => undefined)
    await Promise.all([router?.close(), peer.stop()])
  }
}

async function askRouter ({ peer, mapsPorts, onStep, clock, random, signal }: ExaminationInit, probe: ReachProbe): Promise<ProbedRouter | undefined> {
  if (!mapsPorts) {
    return undefined
  }
  onStep('router')
  const { listening, seenAt } = probe
  const isAnnounced = (peer.announce ?? []).length > 0
  return await probeRouter({ listening, seenAt, isAnnounced, timeoutMs: ROUTER_TIMEOUT_MS, clock, random, signal })
}

interface Started {
  peer: Peer
  probe: ReachProbe
  dialBacks: DialBackService
  listenProblem?: string
}

/** Where the port is taken a peer that listens nowhere can tell the rest. */
async function start (init: ExaminationInit): Promise<Started> {
  try {
    return await startWith(init, init.peer.listen)
  } catch (error) {
    const [problem] = /E(?:ADDRINUSE|ACCES|ADDRNOTAVAIL)\b[^\n]*/.exec((error as Error).message) ?? []
    if (problem === undefined) {
      throw error
    }
    return { ...await startWith(init, []), listenProblem: problem.trim() }
  }
}

async function startWith ({ peer: options, signal, clock, random }: ExaminationInit, listen: string[] | undefined): Promise<Started> {
  const made: { probe?: ReachProbe, dialBacks?: DialBackService } = {}
  const peer = await createPeer({
    ...options,
    listen,
    joinTimeoutMs: JOIN_TIMEOUT_MS,
    checks: false,
    // it asks for itself, and when it wants to
    reachability: false,
    services: {
      probe: (components: ReachProbeComponents) => {
        made.probe = new ReachProbe(components)
        return made.probe
      },
      dialBack: (components: DialBackComponents) => {
        made.dialBacks = dialBack({ networkOf: publicNetwork, answers: false, clock, random })(components)
        return made.dialBacks
      }
    },
    clock,
    random,
    signal
  })
  return { peer, probe: made.probe as ReachProbe, dialBacks: made.dialBacks as DialBackService }
}

async function natOf (servers: readonly string[], { signal, clock, random }: ExaminationInit): Promise<NatVerdict | undefined> {
  if (servers.length === 0) {
    return undefined
  }
  const limit = deadline(clock, NAT_TIMEOUT_MS, [signal])
  try {
    return await askNat(servers.slice(0, MAX_STUN_SERVERS), { signal: limit.signal, clock, random, ...NAT_PATIENCE })
  } catch (error) {
    if (error instanceof DeadlineError || signal.aborted) {
      return undefined
    }
    throw error
  } finally {
    limit.clear()
  }
}

/** A second one comes when it comes; it is counted when it is there by the time that the first is. */
async function reserve (peer: Peer, timeoutMs: number, { onStep, signal }: ExaminationInit): Promise<Pick<ReachFindings, 'relays' | 'relayProblem'>> {
  onStep('relays')
  try {
    await peer.reserveRelay({ timeoutMs: Math.max(1, timeoutMs), signal })
    return { relays: peer.relays.map(({ relay }) => relay) }
  } catch (error) {
    signal.throwIfAborted()
    return { relays: peer.relays.map(({ relay }) => relay), relayProblem: (error as Error).message }
  }
}

/** Of the interfaces, without those that only this device or its link can use. */
function localAddresses (): string[] {
  return Object.values(networkInterfaces()).flatMap(addresses => addresses ?? [])
    .filter(({ internal, address }) => !internal && !/^(fe[89ab]|169\.254\.)/i.test(address))
    .map(({ address }) => address)
}
