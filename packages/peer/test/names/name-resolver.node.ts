import { createServer } from 'node:http'
import { once } from 'node:events'
import { expect } from 'chai'
import { browserNameResolver } from '../../src/browser/name-resolver.ts'
import { nodeNameResolver } from '../../src/node/name-resolver.ts'
import { NameServerError, SeedNameError } from '../../src/seed-name-error.ts'
import { NameServer } from './name-server.ts'
import type { AddressInfo } from 'node:net'
import type { NameResolver } from '../../src/name-resolver.ts'

const LONG = `dnsaddr=/dns4/${'a-very-long-label.'.repeat(13)}test/tcp/7310/p2p/12D3KooWAbcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRS`

const PLATFORMS: Array<[string, (server: NameServer) => NameResolver, number | undefined]> = [
  ['Node\'s DNS', server => nodeNameResolver([server.address]), undefined],
  ['DNS over HTTPS', server => browserNameResolver([server.url]), 30_000]
]

for (const [name, open, ttlMs] of PLATFORMS) {
  describe(`the names of seeds in ${name}`, function () {
    this.timeout(20_000)
    let server: NameServer
    let resolver: NameResolver
    const never = new AbortController().signal

    beforeEach(async () => {
      server = await NameServer.start()
      server.ttl = 30
      resolver = open(server)
    })
    afterEach(() => { server.stop() })

    async function failure (work: Promise<unknown>): Promise<SeedNameError> {
      const error = await work.then(() => { throw new Error('no failure') }, error => error)
      expect(error, String(error)).to.be.instanceOf(SeedNameError)
      return error
    }

    it('are TXT records put together from their pieces', async () => {
      server.setTxt('_dnsaddr.seeds.test', [LONG, 'v=spf1 -all'])
      expect(LONG.length).to.be.above(255)
      expect(await resolver.txt('_dnsaddr.seeds.test', never)).to.deep.equal({ records: [LONG, 'v=spf1 -all'], ...ttlMs === undefined ? {} : { ttlMs } })
    })

    it('are SRV records with all their fields', async () => {
      server.setSrv('seeds.test', [{ target: 'a.test', port: 7310, priority: 10, weight: 60 }])
      const { records } = await resolver.srv('_skein._tcp.seeds.test', never)
      expect(records).to.deep.equal([{ target: 'a.test', port: 7310, priority: 10, weight: 60 }])
    })

    it('are said not to be there', async () => {
      const error = await failure(resolver.txt('_dnsaddr.nothing.test', never))
      expect(error).to.include({ problem: 'not_found', seedName: '_dnsaddr.nothing.test' })
      expect(error.message).to.equal('The TXT records of _dnsaddr.nothing.test could not be looked up: there is no such name')
    })

    it('are given up when the caller does', async () => {
      server.silent = true
      const startMs = performance.now()
      const error = await failure(resolver.srv('_skein._tcp.seeds.test', AbortSignal.timeout(100)))
      expect(error).to.include({ problem: 'timeout' })
      expect(performance.now() - startMs).to.be.below(5_000)
    })
  })
}

describe('the servers that names are asked of', () => {
  it('are IP addresses in Node', () => {
    expect(() => nodeNameResolver(['dns.example.org'])).to.throw(NameServerError, '"dns.example.org" is no DNS server')
    nodeNameResolver(['192.0.2.53', '192.0.2.53:5353', '[2001:db8::53]:53'])
  })

  it('are URLs in a browser, and must be given', () => {
    expect(() => browserNameResolver()).to.throw(NameServerError, 'give dns.servers')
    expect(() => browserNameResolver(['http://dns.example.org/dns-query'])).to.throw(NameServerError, 'expected a URL such as https://')
    expect(() => browserNameResolver(['192.0.2.53'])).to.throw(NameServerError)
  })

  it('follow each other in a browser when one fails or sends what is no answer', async () => {
    const server = await NameServer.start()
    const broken = createServer((_, response) => { response.end('a'.repeat(70_000)) })
    broken.listen(0, '127.0.0.1')
    await once(broken, 'listening')
    try {
      server.setTxt('_dnsaddr.seeds.test', ['dnsaddr=/ip4/192.0.2.1/tcp/1'])
      const url = `http://127.0.0.1:${(broken.address() as AddressInfo).port}/`
      const signal = AbortSignal.timeout(5_000)
      expect((await browserNameResolver(['http://127.0.0.1:1/', url, server.url]).txt('_dnsaddr.seeds.test', signal)).records).to.have.length(1)
      const error = await browserNameResolver([url]).txt('_dnsaddr.seeds.test', signal).catch(error => error)
      expect(error).to.include({ problem: 'unavailable' })
      expect(error.message).to.include('too long for DNS')
    } finally {
      server.stop()
      broken.close()
    }
  })
})
