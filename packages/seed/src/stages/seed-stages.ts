/** The stages at work in a seed: measures the network, moves between stages, says what newcomers get, lets those go who have joined. */
import { MachineDriver } from '@skein/core'
import { kadId } from '@skein/routing'
import { Farewells } from './farewells.ts'
import { newcomerPlan } from './newcomer-plan.ts'
import { SizeEstimator } from './size-estimator.ts'
import { STAGE_DUTIES } from './stage.ts'
import { StageKeeper } from './stage-keeper.ts'
import type { FarewellEffect } from './farewells.ts'
import type { LetGoRule, Newcomer, NewcomerPlan, NewcomerWant } from './newcomer-plan.ts'
import type { CombinedEstimate, SizeEstimatorEffect, SizeEstimatorInit } from './size-estimator.ts'
import type { Stage } from './stage.ts'
import type { StageEffect, StageKeeperInit } from './stage-keeper.ts'
import type { Connection, Libp2p, Logger, PeerId } from '@libp2p/interface'
import type { Clock, Random } from '@skein/core'
import type { SkeinServices } from '@skein/peer'

export interface StageChange {
  from: Stage
  to: Stage
  /** Nodes, as far as is known; `undefined` when nothing is */
  networkSize: number | undefined
}

export interface SeedStagesInit {
  /** A stage to stay at, or `auto`: by the size of the network */
  stage: Stage | 'auto'
  clock: Clock
  random: Random
  onStage?: (change: StageChange) => void
  keeper?: Omit<StageKeeperInit, 'pin'>
  estimator?: SizeEstimatorInit
  letGo?: LetGoRule
}

/** How often the registrations are counted, ms. */
const COUNT_INTERVAL_MS = 10_000

export class SeedStages {
  private readonly init: SeedStagesInit
  private readonly keeper: MachineDriver<StageEffect, StageKeeper>
  private readonly estimator: MachineDriver<SizeEstimatorEffect, SizeEstimator>
  private readonly farewells: MachineDriver<FarewellEffect, Farewells>
  private readonly stopped = new AbortController()
  private readonly guests = new Map<string, PeerId>()
  private libp2p: Libp2p<SkeinServices> | undefined
  private log: Logger | undefined
  private registrations: () => number = () => 0
  private cancelCount: () => void = () => {}
  private lettingGo = false
  private sized: CombinedEstimate | undefined

  constructor (init: SeedStagesInit) {
    this.init = init
    const { clock, random } = init
    this.keeper = new MachineDriver({
      machine: new StageKeeper({ ...init.keeper, pin: init.stage === 'auto' ? undefined : init.stage }),
      clock,
      perform: ({ from, to }) => { this.enter(from, to) }
    })
    this.estimator = new MachineDriver({
      machine: new SizeEstimator(init.estimator ?? {}, random),
      clock,
      perform: effect => {
        if (effect.type === 'probe') {
          void this.probe(effect.key)
        } else {
          this.onSize(effect.estimate)
        }
      }
    })
    this.farewells = new MachineDriver({
      machine: new Farewells(init.letGo),
      clock,
      perform: ({ peer }) => { void this.close(peer) }
    })
  }

  get stage (): Stage {
    return this.keeper.machine.stage
  }

  /** The latest estimate of the number of nodes; `undefined` before the first. */
  get size (): CombinedEstimate | undefined {
    return this.sized
  }

  /** Stays at a stage, or (`auto`) goes by the size of the network again. */
  pin (stage: Stage | 'auto'): void {
    this.keeper.input((machine, nowMs) => { machine.onPin(stage === 'auto' ? undefined : stage, nowMs) })
  }

  /** What a newcomer gets of what it wants, now. */
  plan (want: NewcomerWant): NewcomerPlan {
    return newcomerPlan(this.stage, want, this.sized?.nodes)
  }

  onAnswered (peer: string, answer: Pick<Newcomer, 'registered' | 'otherConnections'>): void {
    this.farewells.input((machine, nowMs) => { machine.onAnswered(peer, answer, nowMs) })
  }

  start (libp2p: Libp2p<SkeinServices>, registrations: () => number): void {
    this.libp2p = libp2p
    this.registrations = registrations
    this.log = libp2p.logger.forComponent('skein:stages')
    libp2p.addEventListener('connection:open', this.onOpen)
    libp2p.addEventListener('peer:disconnect', this.onDisconnect)
    libp2p.getConnections().forEach(connection => { this.welcome(connection) })
    this.takeDuties(STAGE_DUTIES[this.stage].letsGo)
    this.estimator.input((machine, nowMs) => { machine.onStart(nowMs) })
    this.count()
  }

  stop (): void {
    this.stopped.abort()
    this.cancelCount()
    this.keeper.stop()
    this.estimator.stop()
    this.farewells.stop()
    this.libp2p?.removeEventListener('connection:open', this.onOpen)
    this.libp2p?.removeEventListener('peer:disconnect', this.onDisconnect)
  }

  private readonly onOpen = (event: CustomEvent<Connection>): void => {
    this.welcome(event.detail)
  }

  private readonly onDisconnect = (event: CustomEvent<PeerId>): void => {
    const peer = event.detail.toString()
    this.guests.delete(peer)
    this.farewells.input(machine => { machine.onDisconnected(peer) })
  }

  /** Those whom the seed dialled are its own neighbours in the mesh, and stay. */
  private welcome ({ direction, remotePeer }: Connection): void {
    if (direction === 'inbound') {
      const peer = remotePeer.toString()
      this.guests.set(peer, remotePeer)
      this.farewells.input((machine, nowMs) => { machine.onConnected(peer, nowMs) })
    }
  }

  private async probe (key: Uint8Array): Promise<void> {
    let ids: Uint8Array[] | undefined
    try {
      const peers = await this.libp2p?.services.routing.closestPeers(key, { signal: this.stopped.signal })
      ids = peers?.map(peer => kadId(peer.toMultihash().bytes))
    } catch (error) {
      this.log?.('a lookup for the size of the network failed: %s', (error as Error).message)
    }
    this.estimator.input((machine, nowMs) => { machine.onProbe(key, ids, nowMs) })
  }

  private onSize (estimate: CombinedEstimate): void {
    this.sized = estimate
    this.keeper.input((machine, nowMs) => { machine.onSize(estimate.nodes, nowMs) })
  }

  /** Registrations alone can outgrow a stage, where few of those who register can be dialled. */
  private count (): void {
    const { clock } = this.init
    const registrations = this.registrations()
    this.estimator.input((machine, nowMs) => {
      machine.onRegistrations(registrations)
      const estimate = machine.estimate(nowMs)
      // before lookups have told of the network, the registrations of a seed that has just started tell nothing of it
      if (estimate !== undefined && this.sized !== undefined) {
        this.onSize(estimate)
      }
    })
    this.cancelCount = clock.schedule(clock.nowMs() + COUNT_INTERVAL_MS, () => { this.count() })
  }

  private enter (from: Stage, to: Stage): void {
    this.takeDuties(STAGE_DUTIES[to].letsGo)
    this.init.onStage?.({ from, to, networkSize: this.sized?.nodes })
  }

  private takeDuties (letsGo: boolean): void {
    this.farewells.input((machine, nowMs) => { machine.onLettingGo(letsGo, nowMs) })
    if (this.libp2p !== undefined && letsGo !== this.lettingGo) {
      this.lettingGo = letsGo
      // as a server it would stand in the routing tables of all whom it lets go, and be dialled again for every other lookup
      const { dht, routing } = this.libp2p.services
      Promise.all([dht?.setMode(letsGo ? 'client' : 'server'), routing.setClientMode(letsGo)]).catch(error => {
        this.log?.error('the DHT did not change its mode: %s', (error as Error).message)
      })
    }
  }

  private async close (peer: string): Promise<void> {
    const peerId = this.guests.get(peer)
    if (peerId !== undefined) {
      try {
        await this.libp2p?.hangUp(peerId, { signal: this.stopped.signal })
      } catch (error) {
        this.log?.('closing the connection to %s failed: %s', peer, (error as Error).message)
      }
    }
  }
}
