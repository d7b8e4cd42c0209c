import { expect } from 'chai'
import { OutboundPlan } from '../src/index.ts'

describe('OutboundPlan', () => {
  it('takes two anchors, four tried addresses and two new ones', () => {
    const plan = new OutboundPlan()
    const sources: string[] = []
    for (let network = 0; network < 20; network++) {
      const source = plan.next({ anchor: 5, tried: 100, new: 100 })
      if (source === undefined) {
        break
      }
      sources.push(source)
      plan.onConnected(source, network)
    }
    expect(sources).to.deep.equal(['anchor', 'anchor', 'tried', 'tried', 'tried', 'tried', 'new', 'new'])
  })

  it('makes do with what there is, and ends when nothing is left', () => {
    const plan = new OutboundPlan()
    expect(plan.next({ anchor: 0, tried: 0, new: 3 })).to.equal('new')
    expect(plan.next({ anchor: 0, tried: 2, new: 3 })).to.equal('tried')
    expect(plan.next({ anchor: 0, tried: 0, new: 0 })).to.equal(undefined)
  })

  it('connects to one address of a /16', () => {
    const plan = new OutboundPlan()
    plan.onConnected('new', 4)
    expect([4, 5].map(network => plan.admits(network))).to.deep.equal([false, true])
  })

  it('makes up for a connection that closed', () => {
    const plan = new OutboundPlan({ outbound: 1 })
    plan.onConnected('anchor', '192.0.0.0/16')
    expect([plan.next({ anchor: 1, tried: 1, new: 1 }), plan.admits('192.0.0.0/16')]).to.deep.equal([undefined, false])
    plan.onClosed('anchor', '192.0.0.0/16')
    expect([plan.next({ anchor: 1, tried: 1, new: 1 }), plan.admits('192.0.0.0/16')]).to.deep.equal(['anchor', true])
  })
})
