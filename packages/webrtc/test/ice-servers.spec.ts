import { expect } from 'chai'
import { iceServers } from '../src/ice-servers.ts'

describe('the servers of an ICE agent', () => {
  it('are none when none were given: nobody else is asked', () => {
    expect(iceServers([], [])).to.deep.equal([])
  })

  it('are STUN servers by address or name, three at most', () => {
    expect(iceServers([
      '/ip4/192.0.2.1/udp/3478', '/ip6/2001:db8::1/udp/3478', '/dns/stun.example.org/udp/19302', '/ip4/192.0.2.2/udp/3478'
    ], [])).to.deep.equal([
      { urls: 'stun:192.0.2.1:3478' }, { urls: 'stun:[2001:db8::1]:3478' }, { urls: 'stun:stun.example.org:19302' }
    ])
  })

  it('leave out what is no address of such a server', () => {
    expect(iceServers(['/ip4/192.0.2.1/tcp/3478', 'stun:192.0.2.1', ''], [])).to.deep.equal([])
  })

  it('are TURN servers as they were given', () => {
    const turn = { url: 'turn:192.0.2.1:3478?transport=tcp', username: 'u', credential: 'c' }
    expect(iceServers([], [turn])).to.deep.equal([{ urls: turn.url, username: 'u', credential: 'c' }])
  })
})
