/** Values of options on the command line. */
import { expect } from 'chai'
import { turnServer } from '../src/address-values.ts'

describe('The value of --turn', () => {
  it('is a URL with a user name and a password', () => {
    expect(turnServer('turn:alice:s3cret@turn.example.org:3478')).to.deep.equal([
      { url: 'turn:turn.example.org:3478', username: 'alice', credential: 's3cret' }
    ])
    expect(turnServer('turns:a%3Ab:p%40ss@[2001:db8::1]:5349?transport=tcp')).to.deep.equal([
      { url: 'turns:[2001:db8::1]:5349?transport=tcp', username: 'a:b', credential: 'p@ss' }
    ])
  })

  it('may be given again', () => {
    expect(turnServer('turn:a:b@192.0.2.2:3478', turnServer('turn:a:b@192.0.2.1:3478'))).to.have.length(2)
  })

  for (const wrong of ['', 'turn:192.0.2.1:3478', 'stun:a:b@192.0.2.1:3478', 'turn:a:b@192.0.2.1', 'turn:a:%zz@192.0.2.1:3478', 'turn::b@192.0.2.1:3478']) {
    it(`is refused as "${wrong}"`, () => {
      expect(() => turnServer(wrong)).to.throw(/turn:USER:PASSWORD|percent-encoded/)
    })
  }
})
