import { createServer } from 'node:http'
import { once } from 'node:events'
import { systemClock } from '@skein/core/system'
import { expect } from 'chai'
import { HttpNamePublisher, NameProviderError } from '@skein/fleet'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

interface StoredRecord { id: string, type: string, name: string, content: string, ttl: number, proxied: boolean }

/** Answers as the provider's documentation has it. */
class StandIn {
  readonly records = new Map<string, StoredRecord>()
  readonly server: Server
  changes = 0
  private ids = 0

  constructor () {
    this.server = createServer(async (request, response) => {
      let text = ''
      for await (const chunk of request) {
        text += String(chunk)
      }
      const url = new URL(request.url as string, 'http://stand-in')
      const [, id] = /^\/zones\/zone-1\/dns_records(?:\/(.+))?$/.exec(url.pathname) ?? [undefined, 'nowhere']
      const say = (status: number, result: unknown, errors: unknown[] = []): void => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ success: errors.length === 0, errors, messages: [], result }))
      }
      this.changes += request.method === 'GET' ? 0 : 1
      if (request.headers.authorization !== 'Bearer token-1') {
        say(403, null, [{ code: 9109, message: 'Invalid access token' }])
      } else if (id !== undefined && !this.records.has(id)) {
        say(404, null, [{ code: 81044, message: 'Record does not exist.' }])
      } else if (request.method === 'GET') {
        say(200, [...this.records.values()].filter(({ name }) => name === url.searchParams.get('name')))
      } else if (request.method === 'DELETE') {
        this.records.delete(id as string)
        say(200, { id })
      } else {
        const record = { ...this.records.get(id ?? ''), ...JSON.parse(text), id: id ?? `r${this.ids++}` } as StoredRecord
        this.records.set(record.id, record)
        say(200, record)
      }
    })
  }

  has (name: string): Array<[string, string, number, boolean]> {
    return [...this.records.values()].filter(record => record.name === name).map(({ type, content, ttl, proxied }) => [type, content, ttl, proxied])
  }
}

describe('Names at a provider with an HTTP API (a stand-in for it)', () => {
  let standIn: StandIn
  let url: string

  beforeEach(async () => {
    standIn = new StandIn()
    standIn.server.listen(0, '127.0.0.1')
    await once(standIn.server, 'listening')
    url = `http://127.0.0.1:${(standIn.server.address() as AddressInfo).port}`
  })
  afterEach(() => { standIn.server.close(); standIn.server.closeAllConnections() })

  const publisher = (token = 'token-1'): HttpNamePublisher => new HttpNamePublisher({ url, zoneId: 'zone-1', zone: 'relay.test', token, clock: systemClock() })

  it('are records that no proxy stands before, changed in place', async () => {
    await publisher().publish('k7mx2p9a', '192.0.2.1')
    const [id] = [...standIn.records.keys()]
    expect(standIn.has('k7mx2p9a.relay.test')).to.deep.equal([['A', '192.0.2.1', 60, false]])
    await publisher().publish('k7mx2p9a', '192.0.2.2')
    expect(standIn.has('k7mx2p9a.relay.test')).to.deep.equal([['A', '192.0.2.2', 60, false]])
    expect([...standIn.records.keys()]).to.deep.equal([id])
    const { changes } = standIn
    await publisher().publish('k7mx2p9a', '192.0.2.2')
    expect(standIn.changes).to.equal(changes)
  })

  it('have one target, of whatever kind, and none when withdrawn', async () => {
    await publisher().publish('a', '192.0.2.1')
    await publisher().publish('b', '192.0.2.9')
    await publisher().publish('a', '2001:db8::1')
    expect(standIn.has('a.relay.test')).to.deep.equal([['AAAA', '2001:db8::1', 60, false]])
    await publisher().publish('a', 'kc1.example.org')
    expect(standIn.has('a.relay.test')).to.deep.equal([['CNAME', 'kc1.example.org', 60, false]])
    await publisher().withdraw('a')
    await publisher().withdraw('a')
    expect(standIn.has('a.relay.test')).to.deep.equal([])
    expect(standIn.has('b.relay.test')).to.have.length(1)
  })

  it('tell what the provider says against it, and that it is away', async () => {
    const refused = await publisher('other').publish('a', '192.0.2.1').catch((error: Error) => error)
    expect(refused).to.be.instanceOf(NameProviderError).with.property('status', 403)
    expect((refused as Error).message).to.match(/Invalid access token/)
    standIn.server.close()
    standIn.server.closeAllConnections()
    expect(await publisher().publish('a', '192.0.2.1').catch((error: Error) => error)).to.be.instanceOf(NameProviderError).with.property('status', undefined)
  })
})
