import { expect } from 'chai'
import { admit } from '../src/index.ts'

describe('admission to a gateway', () => {
  const cases: Array<[string, { host?: string, origin?: string }, { boundHost?: string, allowedHosts?: string[], cors?: '*' | string[] }, string]> = [
    ['the bound address', { host: '127.0.0.1:8899' }, {}, 'admit'],
    ['localhost', { host: 'localhost:8899' }, {}, 'admit'],
    ['localhost in capitals', { host: 'LocalHost:8899' }, {}, 'admit'],
    ['a subdomain of localhost', { host: 'skein.localhost' }, {}, 'admit'],
    ['IPv6 loopback', { host: '[::1]:8899' }, {}, 'admit'],
    ['another address of loopback', { host: '127.1.2.3' }, {}, 'admit'],
    ['no host at all (HTTP/1.0)', {}, {}, 'admit'],
    ['a name that was made to resolve to loopback', { host: 'evil.example:8899' }, {}, 'host_not_allowed'],
    ['a name that begins like loopback', { host: '127.0.0.1.evil.example' }, {}, 'host_not_allowed'],
    ['a name that ends like loopback', { host: 'evillocalhost' }, {}, 'host_not_allowed'],
    ['a name that ends with a dot', { host: 'evil.example.' }, {}, 'host_not_allowed'],
    ['a name it is allowed to go by', { host: 'gw.lan:80' }, { allowedHosts: ['gw.lan'] }, 'admit'],
    ['a foreign name when bound to loopback by name', { host: 'evil.example' }, { boundHost: 'localhost' }, 'host_not_allowed'],
    ['any name beyond loopback', { host: 'gw.lan' }, { boundHost: '0.0.0.0' }, 'admit'],
    ['a foreign name beyond loopback, with names given', { host: 'evil.example' }, { boundHost: '0.0.0.0', allowedHosts: ['gw.lan'] }, 'host_not_allowed'],
    ['a page of a foreign origin', { host: '127.0.0.1:8899', origin: 'https://evil.example' }, {}, 'origin_not_allowed'],
    ['a page without an origin', { host: '127.0.0.1:8899', origin: 'null' }, {}, 'origin_not_allowed'],
    ['a page of another port', { host: '127.0.0.1:8899', origin: 'http://127.0.0.1:3000' }, {}, 'origin_not_allowed'],
    ['a page of its own', { host: '127.0.0.1:8899', origin: 'http://127.0.0.1:8899' }, {}, 'admit'],
    ['a page of an origin on the list', { host: 'localhost', origin: 'https://app.example' }, { cors: ['https://app.example'] }, 'admit'],
    ['a page of an origin that is not on the list', { host: 'localhost', origin: 'https://app.example.evil' }, { cors: ['https://app.example'] }, 'origin_not_allowed'],
    ['any page, when all may', { host: 'localhost', origin: 'https://any.example' }, { cors: '*' }, 'admit'],
    ['a foreign name, though all pages may', { host: 'evil.example', origin: 'https://any.example' }, { cors: '*' }, 'host_not_allowed']
  ]
  for (const [name, request, policy, expected] of cases) {
    it(`${expected === 'admit' ? 'admits' : 'refuses'} ${name}`, () => {
      const admission = admit(request, { boundHost: '127.0.0.1', allowedHosts: [], ...policy })

      expect(admission.type === 'admit' ? 'admit' : admission.code).to.equal(expected)
    })
  }

  it('lets only pages on the list read answers, and says so to caches', () => {
    const policy = { boundHost: '127.0.0.1', allowedHosts: [], cors: ['https://app.example'] }

    expect(admit({ host: 'localhost', origin: 'https://app.example' }, policy)).to.have.property('headers').that.includes({
      'access-control-allow-origin': 'https://app.example', vary: 'origin'
    })
    expect(admit({ host: 'localhost' }, policy)).to.deep.equal({ type: 'admit', headers: {} })
  })
})
