/** Where the electors of a region are found by those that know none: in the DHT they announce the name of their topic as if it were a model. */
import type { Logger } from '@libp2p/interface'
import type { ModelRouting } from '@skein/routing/libp2p'
import type { ElectorRendezvous } from '@skein/supernode/libp2p'

const MAX_FOUND = 16

export function electorRendezvous (routing: ModelRouting, log: Logger): ElectorRendezvous {
  return {
    advertise: async (name, signal) => {
      signal.addEventListener('abort', () => {
        routing.withdraw(name).catch((error: Error) => { log('%s was not withdrawn: %s', name, error.message) })
      }, { once: true })
      await routing.announce({ model: name, tasks: ['supernode'], region: '' }, { signal })
    },
    async * seek (name, signal) {
      for await (const { offer: { peer, addresses } } of routing.findModel(name, { signal, region: '', wanted: MAX_FOUND, cache: false })) {
        if (addresses.length > 0) {
          yield { peer, addresses }
        }
      }
    }
  }
}
