/** A peer's part in the overlays of models that many serve. */
import { platform } from '#platform'
import type { OverlayOptions } from '@skein/clusters'
import type { OverlayService } from '@skein/clusters/libp2p'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import type { Clock, Random, Topics } from '@skein/core'
import type { Offer } from '@skein/records'
import type { LimitedDial } from './limited-dial.ts'
import type { SelfDescription } from './mesh-membership.ts'
import type { SkeinServices } from './mesh-options.ts'

export interface MeshOverlaysInit {
  libp2p: Libp2p<SkeinServices>
  privateKey: PrivateKey
  topics: Topics
  /** Left out, providers are dialled without limits */
  connect?: LimitedDial
  self: Pick<SelfDescription, 'region'>
  /** What this peer would say now of a model that it serves */
  offerOf: (model: string) => Offer | undefined
  options: OverlayOptions
  clock: Clock
  random: Random
}

/** As many as a holder gives in one answer: most counts end with the first. */
const COUNT_LIMIT = 100

/** The overlay service of a peer; not started. `undefined` on a platform without. */
export function meshOverlays ({ libp2p, self, options, ...init }: MeshOverlaysInit): OverlayService | undefined {
  const overlays = platform.regional && new platform.regional.OverlayService({
    ...options,
    ...init,
    libp2p,
    region: self.region,
    findProviders: (model, signal) => providersOf(libp2p, model, signal),
    onOffer: ({ offer: { model, peer, withdrawn } }) => {
      if (withdrawn) {
        libp2p.services.routing.forget(model, peer) // else a lookup's memory would give it out for some seconds more
      }
    },
    log: libp2p.logger.forComponent('skein:overlays')
  })
  libp2p.addEventListener('self:peer:update', () => { overlays?.addressesChanged() })
  return overlays
}

async function * providersOf (libp2p: Libp2p<SkeinServices>, model: string, signal: AbortSignal): AsyncGenerator<Offer, void, undefined> {
  for await (const { offer } of libp2p.services.routing.findModel(model, { limit: COUNT_LIMIT, signal })) {
    yield offer
  }
}
