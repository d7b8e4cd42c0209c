/** A search over several keys: their order, when the next begins, when it ends. */
import { expect } from 'chai'
import { kadId } from '../src/model-key.ts'
import { ModelSearch } from '../src/model-search.ts'
import type { Contact } from '../src/contact.ts'
import type { SequencedOffer } from '../src/lookup.ts'
import type { ModelSearchEffect, ModelSearchInit } from '../src/model-search.ts'

const peers: Contact[] = Array.from({ length: 8 }, (_, i) => ({ peer: `p${i}`, kadId: kadId(new Uint8Array([i])) }))

function search (init: Partial<ModelSearchInit<Contact>> = {}): ModelSearch {
  const keys = ['region', 'near', 'world'].map((name, i) => ({ name, target: kadId(new Uint8Array([99, i])), start: () => peers }))
  return new ModelSearch({ keys, ...init }, 0)
}

function effects (machine: ModelSearch): Array<ModelSearchEffect<Contact, SequencedOffer>> {
  const all = []
  for (let effect = machine.poll(); effect !== undefined; effect = machine.poll()) {
    all.push(effect)
  }
  return all
}

function queries (machine: ModelSearch): Array<[string, string]> {
  return effects(machine).flatMap(effect => effect.type === 'query' ? [[effect.key.name, effect.to.peer] as [string, string]] : [])
}

const nothing = { offers: [], closer: [] }

describe('model search', () => {
  it('asks the nearest key first, and no other while it brings something', () => {
    const machine = search({ alpha: 3 })
    const asked = queries(machine)
    expect(asked.map(([key]) => key)).to.deep.equal(['region', 'region', 'region'])
    machine.onResponse('region', asked[0]?.[1] as string, { offers: [{ peer: 'a', seq: 1 }], closer: [] }, 10)
    asked.slice(1).forEach(([key, peer]) => { machine.onResponse(key, peer, nothing, 20) })
    machine.onTimeout(500)
    expect(queries(machine).every(([key]) => key === 'region')).to.equal(true)
  })

  it('begins the next key when the first round brought nothing, and goes on with the one before', () => {
    const machine = search({ alpha: 3 })
    const asked = queries(machine)
    machine.onResponse('region', asked[0]?.[1] as string, nothing, 10)
    machine.onResponse('region', asked[1]?.[1] as string, nothing, 10)
    expect(queries(machine).some(([key]) => key === 'near')).to.equal(false)
    machine.onResponse('region', asked[2]?.[1] as string, nothing, 10)
    const next = queries(machine)
    expect(new Set(next.map(([key]) => key))).to.deep.equal(new Set(['region', 'near']))
  })

  it('begins the next key when the one before is silent for too long', () => {
    const machine = search({ staggerMs: 100 })
    effects(machine)
    expect(machine.nextTimeoutMs()).to.equal(100)
    machine.onTimeout(99)
    expect(queries(machine)).to.deep.equal([])
    machine.onTimeout(100)
    expect(queries(machine).every(([key]) => key === 'near')).to.equal(true)
    expect(machine.nextTimeoutMs()).to.equal(200)
    machine.onTimeout(200)
    expect(queries(machine).every(([key]) => key === 'world')).to.equal(true)
    expect(machine.nextTimeoutMs()).to.equal(700)
  })

  it('asks every key to the end when not enough was found, and passes each offer on once', () => {
    const machine = search()
    const offers: SequencedOffer[] = []
    let done: ModelSearchEffect<Contact, SequencedOffer> | undefined
    for (let step = 0; step < 200 && done === undefined; step++) {
      for (const effect of effects(machine)) {
        if (effect.type === 'query') {
          machine.onResponse(effect.key.name, effect.to.peer, { offers: [{ peer: `of ${effect.to.peer}`, seq: 1 }], closer: [] }, step)
        } else if (effect.type === 'offers') {
          offers.push(...effect.offers)
        } else if (effect.type === 'done') {
          done = effect
        }
      }
    }
    expect(done).to.deep.equal({ type: 'done', complete: true })
    expect(offers.map(({ peer }) => peer).sort()).to.deep.equal(peers.map(({ peer }) => `of ${peer}`))
    expect(machine.nextTimeoutMs()).to.equal(undefined)
  })

  it('ends as soon as enough was found, counting all keys', () => {
    const machine = search({ wanted: 2, alpha: 1 })
    const [first] = queries(machine)
    machine.onResponse('region', first?.[1] as string, nothing, 1)
    const next = queries(machine)
    const world = next.find(([key]) => key === 'near') as [string, string]
    const region = next.find(([key]) => key === 'region') as [string, string]
    machine.onResponse('near', world[1], { offers: [{ peer: 'a', seq: 1 }], closer: [] }, 2)
    machine.onResponse('region', region[1], { offers: [{ peer: 'a', seq: 1 }], closer: [] }, 3)
    expect(effects(machine).some(({ type }) => type === 'done')).to.equal(false)
    machine.onOffers('near', world[1], [{ peer: 'b', seq: 1 }], 4)
    const last = effects(machine)
    expect(last.some(({ type }) => type === 'query')).to.equal(false)
    expect(last.at(-1)).to.deep.equal({ type: 'done', complete: true })
  })

  it('stops when told to, and takes nothing more', () => {
    const machine = search()
    const [first] = queries(machine)
    machine.stop()
    expect(effects(machine).at(-1)).to.deep.equal({ type: 'done', complete: false })
    machine.onResponse('region', first?.[1] as string, { offers: [{ peer: 'a', seq: 1 }], closer: [] }, 1)
    machine.onTimeout(10_000)
    expect(effects(machine)).to.deep.equal([])
  })

  it('takes in peers that become known later', () => {
    const keys = [{ name: 'only', target: kadId(new Uint8Array([1, 2])), start: () => peers.slice(0, 1) }]
    const machine = new ModelSearch<Contact>({ keys }, 0)
    expect(queries(machine)).to.have.length(1)
    machine.onCandidates(peers.slice(1, 3), 1)
    expect(queries(machine)).to.have.length(2)
  })
})
