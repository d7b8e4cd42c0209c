/**
 * Where members of a cluster are found by those that do not know any: the DHT. Who coordinates a cluster, or is next in line, announces it as if it
 * were a model, under a name that no model has; one lookup then brings signed addresses of members.
 */
import type { Logger } from '@libp2p/interface'
import type { Found, Rendezvous } from '@skein/clusters/libp2p'
import type { ModelRouting } from '@skein/routing/libp2p'

/** What names of clusters begin with; peers serve no model of such a name. */
export const CLUSTER_PREFIX = '/skein/cluster/1/'

/** Members that one search gives. */
const MAX_FOUND = 16

export class ClusterRendezvous implements Rendezvous {
  private readonly routing: ModelRouting
  private readonly log: Logger

  constructor (routing: ModelRouting, log: Logger) {
    this.routing = routing
    this.log = log
  }

  /** Announces this peer as a member of the cluster until the signal fires. Resolves when it was stored for the first time. */
  async advertise (scope: string, signal: AbortSignal): Promise<void> {
    const model = CLUSTER_PREFIX + scope
    signal.addEventListener('abort', () => {
      this.routing.withdraw(model).catch((error: Error) => { this.log('%s was not withdrawn: %s', scope, error.message) })
    }, { once: true })
    await this.routing.announce({ model, tasks: ['cluster'], region: '' }, { signal })
  }

  /** Members of the cluster, as they are found; each once, 16 at most. */
  async * seek (scope: string, signal: AbortSignal): AsyncGenerator<Found, void, undefined> {
    const seen = new Set<string>()
    // one looks here once in a while, and members come and go: what is remembered is of little use
    const found = this.routing.findModel(CLUSTER_PREFIX + scope, { signal, region: '', wanted: MAX_FOUND, cache: false })
    for await (const { offer } of found) {
      if (!seen.has(offer.peer) && offer.addresses.length > 0) {
        seen.add(offer.peer)
        yield { peer: offer.peer, addresses: offer.addresses }
      }
      if (seen.size >= MAX_FOUND) {
        return
      }
    }
  }
}
