import { expect } from 'chai'
import { StreamAdmissions } from '@skein/fleet'
import type { NodeRefusedError } from '@skein/fleet'

const request = (sessionId: string, fence: number, streamToken = `token-${sessionId}`): { sessionId: string, fence: number, streamToken: string } =>
  ({ sessionId, fence, streamToken })

function refusal (work: () => unknown): string | undefined {
  try {
    work()
  } catch (error) {
    return (error as NodeRefusedError).reason
  }
}

describe('The streams that a node admits', () => {
  it('are found by token until they are revoked', () => {
    const node = new StreamAdmissions({ capacity: 2 })
    node.admit(request('a', 1))
    node.admit(request('a', 1))
    expect(node.sessionOf('token-a')).to.equal('a')
    expect(node.revoke({ sessionId: 'a', fence: 1 })).to.equal(true)
    expect(node.revoke({ sessionId: 'a', fence: 1 })).to.equal(false)
    expect(node.sessionOf('token-a')).to.equal(undefined)
    expect(node.list()).to.deep.equal([])
  })

  it('follow the greatest number heard, also of a session that was revoked before it came', () => {
    const node = new StreamAdmissions({ capacity: 2 })
    node.revoke({ sessionId: 'a', fence: 3 })
    expect(refusal(() => { node.admit(request('a', 2)) })).to.equal('stale_fence')
    expect(refusal(() => { node.admit(request('a', 3)) })).to.equal('stale_fence')
    node.admit(request('a', 4))
    expect(refusal(() => { node.admit(request('a', 3)) })).to.equal('stale_fence')
    expect(refusal(() => { node.revoke({ sessionId: 'a', fence: 3 }) })).to.equal('stale_fence')
    node.admit(request('a', 5, 'other'))
    expect([node.sessionOf('token-a'), node.sessionOf('other')]).to.deep.equal([undefined, 'a'])
  })

  it('are bounded, and none is added while the node drains', () => {
    const node = new StreamAdmissions({ capacity: 1 })
    node.admit(request('a', 1))
    expect(refusal(() => { node.admit(request('b', 1)) })).to.equal('full')
    node.draining = true
    node.admit(request('a', 2))
    node.revoke({ sessionId: 'a', fence: 2 })
    expect(refusal(() => { node.admit(request('b', 1)) })).to.equal('draining')
  })

  it('do not share a token', () => {
    const node = new StreamAdmissions({ capacity: 2 })
    node.admit(request('a', 1))
    expect(refusal(() => { node.admit(request('b', 1, 'token-a')) })).to.equal('bad_request')
  })

  it('forget the oldest revoked first', () => {
    const node = new StreamAdmissions({ capacity: 2, maxRevoked: 2 })
    for (const sessionId of ['a', 'b', 'c']) {
      node.revoke({ sessionId, fence: 9 })
    }
    expect(refusal(() => { node.admit(request('b', 1)) })).to.equal('stale_fence')
    expect(refusal(() => { node.admit(request('a', 1)) })).to.equal(undefined)
  })
})
