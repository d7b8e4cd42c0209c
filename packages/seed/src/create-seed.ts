/** A seed: a node of the mesh that newcomers are told to dial first. */
import { systemClock, systemRandom } from '@skein/core/system'
import { createPeer } from '@skein/peer'
import { seedService } from './seed-service.ts'
import { signalService } from './signalling/signal-service.ts'
import { STAGE_DUTIES } from './stages/stage.ts'
import { SeedStages } from './stages/seed-stages.ts'
import type { SeedService, SeedServiceInit } from './seed-service.ts'
import type { SignalService, SignalServiceComponents, SignalServiceInit } from './signalling/signal-service.ts'
import type { CombinedEstimate } from './stages/size-estimator.ts'
import type { Stage } from './stages/stage.ts'
import type { SeedStagesInit } from './stages/seed-stages.ts'
import type { Peer, PeerInit } from '@skein/peer'

export interface SeedInit extends Omit<PeerInit, 'services'>, Pick<SeedServiceInit, 'maxRegistrations' | 'registry' | 'onExchange'> {
  /**
   * The stage to stay at, or `auto`: by the size of the network, which the seed estimates.
   *
   * @default 'auto'
   */
  stage?: Stage | 'auto'
  /**
   * Whether and how offers, answers and candidates are passed on between peers; `bus` for those of other seeds.
   *
   * @default {}
   */
  signalling?: false | Pick<SignalServiceInit, 'bus' | 'limits'>
  /** Told of each change of the stage */
  onStage?: SeedStagesInit['onStage']
  /** How the size is estimated, how long a stage lasts, when newcomers are let go */
  stages?: Pick<SeedStagesInit, 'estimator' | 'keeper' | 'letGo'>
}

export interface Seed {
  /** Peer id, as text */
  id: string
  /** Multiaddr texts with `/p2p/…`: what peers are given as bootstrap */
  addresses: string[]
  /** The node of the mesh that the seed is */
  peer: Peer
  service: SeedService
  /** `undefined` when it does not signal */
  signalling: SignalService | undefined
  /** What the seed does for newcomers goes by this */
  readonly stage: Stage
  /** Nodes of the network, as estimated last; `undefined` before the first estimate */
  readonly networkSize: CombinedEstimate | undefined
  /** Stays at a stage from now on, or (`auto`) goes by the size of the network again */
  pinStage: (stage: Stage | 'auto') => void
  stop: (options?: { drainMs?: number }) => Promise<void>
}

/**
 * Starts a seed.
 *
 * @throws what `createPeer` throws
 */
export async function createSeed (init: SeedInit = {}): Promise<Seed> {
  const { maxRegistrations, registry, onExchange, onStage, signalling: signallingInit, stage, stages: stagesInit, ...peerInit } = init
  const clock = init.clock ?? systemClock()
  const random = init.random ?? systemRandom()
  let service: SeedService | undefined
  let signalling: SignalService | undefined
  const stages = new SeedStages({
    ...stagesInit,
    stage: stage ?? 'auto',
    onStage: change => {
      void signalling?.serve(STAGE_DUTIES[change.to].signal !== 'none')
      onStage?.(change)
    },
    clock,
    random
  })
  const peer = await createPeer({
    maxConnections: 4_000,
    ...peerInit,
    services: {
      seed: components => {
        service = seedService({
          maxRegistrations,
          registry,
          onExchange,
          clock,
          random,
          region: init.region,
          plan: want => stages.plan(want),
          onAnswered: (peer, answer) => { stages.onAnswered(peer, answer) }
        })(components)
        return service
      },
      ...signallingInit === false
        ? {}
        : {
            signalling: (components: SignalServiceComponents) => {
              signalling = signalService({ ...signallingInit, registry: () => (service as SeedService).registry, clock, random })(components)
              return signalling
            }
          }
    }
  })
  await signalling?.serve(STAGE_DUTIES[stages.stage].signal !== 'none')
  stages.start(peer.libp2p, () => service?.registry.size ?? 0)
  return {
    id: peer.id,
    get addresses () { return peer.addresses },
    peer,
    service: service as SeedService,
    signalling,
    get stage () { return stages.stage },
    get networkSize () { return stages.size },
    pinStage: to => { stages.pin(to) },
    stop: async options => {
      stages.stop()
      await peer.stop(options)
    }
  }
}
