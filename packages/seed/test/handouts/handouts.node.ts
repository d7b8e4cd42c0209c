import { createPeer } from '@skein/peer'
import { SeededRandom } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { readCapabilities } from '@skein/records'
import { ReputationLedger } from '@skein/reputation'
import { expect } from 'chai'
import { createSeed } from '../../src/index.ts'
import { handoutOrder, isMissing, PRESENCE_SERVICE } from '../../src/handouts/handout-order.ts'
import { SpotChecks } from '../../src/handouts/spot-checks.ts'

const LISTEN = ['/ip4/127.0.0.1/tcp/0']

describe('What a seed hands out', function () {
  this.timeout(30_000)

  it('names peers that it looked for and did not find last', async () => {
    const seed = await createSeed({ listen: LISTEN, spotCheckMs: 0 })
    const here = await createPeer({ listen: LISTEN, bootstrap: seed.addresses })
    const gone = await createPeer({ listen: LISTEN, bootstrap: seed.addresses })
    const clock = systemClock()
    const { registry } = seed.service
    const ledger = new ReputationLedger({ self: seed.id })
    const envelopes = new Map<string, Uint8Array<ArrayBuffer>>()
    const envelopeOf = (peer: string): Uint8Array<ArrayBuffer> => envelopes.get(peer) as Uint8Array<ArrayBuffer>
    try {
      for (const { id } of [here, gone]) {
        while (!envelopes.has(id)) {
          const registration = await registry.get(id, clock.nowMs())
          if (registration !== undefined) {
            envelopes.set(id, registration.envelope)
          }
          await new Promise(resolve => setTimeout(resolve, 20))
        }
      }
      await gone.libp2p.stop()
      const checksOf = (peer: string): SpotChecks => new SpotChecks({
        libp2p: seed.peer.libp2p, registry: () => ({ sample: async () => [envelopeOf(peer)] }), ledger, clock, random: new SeededRandom(2)
      })
      const [looksForHere, looksForGone] = [checksOf(here.id), checksOf(gone.id)]
      for (let i = 0; i < 3; i++) {
        await looksForHere.check()
        await looksForGone.check()
      }
      expect(looksForHere.counters).to.deep.equal({ found_total: 3, missing_total: 0 })
      expect(looksForGone.counters).to.deep.equal({ found_total: 0, missing_total: 3 })

      const nowMs = clock.nowMs()
      expect(isMissing(gone.id, { ledger, nowMs })).to.equal(true)
      expect(isMissing(here.id, { ledger, nowMs })).to.equal(false)
      const ordered = [[gone.id, here.id], [here.id, gone.id]].map(ids =>
        handoutOrder(ids.map(envelopeOf), 2, { ledger, nowMs }).map(envelope => readCapabilities(envelope).peer))
      expect(ordered).to.deep.equal([[here.id, gone.id], [here.id, gone.id]])
      expect(handoutOrder([envelopeOf(gone.id)], 1, { ledger, nowMs }), 'when there is nobody else').to.have.length(1)
    } finally {
      await Promise.all([here.stop(), gone.stop(), seed.stop()])
    }
  })

  it('looks for those who registered by itself, and hangs up', async () => {
    const seed = await createSeed({ listen: LISTEN, spotCheckMs: 50 })
    const peer = await createPeer({ listen: LISTEN, bootstrap: seed.addresses })
    const relayed = await createPeer({ listen: [], bootstrap: seed.addresses })
    try {
      while (seed.spotChecks.found_total < 3) {
        await new Promise(resolve => setTimeout(resolve, 20))
      }
      expect(seed.spotChecks.missing_total).to.equal(0)
      expect(seed.peer.trust.ledger.dealings(peer.id, PRESENCE_SERVICE)).to.be.at.least(3)
      expect(seed.peer.trust.ledger.dealings(relayed.id, PRESENCE_SERVICE), 'one that nobody can dial').to.equal(undefined)
    } finally {
      await Promise.all([peer.stop(), relayed.stop(), seed.stop()])
    }
  })
})
