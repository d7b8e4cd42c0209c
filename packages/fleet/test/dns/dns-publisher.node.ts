import { createServer } from 'node:net'
import { once } from 'node:events'
import { ManualClock } from '@skein/core'
import { expect } from 'chai'
import { DnsPublisher, DnsRefusedError, DnsUnreachableError } from '@skein/fleet/node'
import { FleetWorld } from '../api/fleet-world.ts'
import { freePort, until } from '../kills/fleet-processes.ts'
import { needNameServer, startNameServer, ZONE } from './name-server.ts'
import type { AddressInfo } from 'node:net'
import type { NodeSpec } from '@skein/fleet'
import type { DnsPublisherInit } from '@skein/fleet/node'
import type { NameServer } from './name-server.ts'

describe('The names of slots in DNS', function () {
  this.timeout(60_000)
  let server: NameServer

  before(async function () {
    needNameServer(this)
    server = await startNameServer()
  })
  after(async () => { await server?.stop() })

  const publisher = (init: Partial<DnsPublisherInit> = {}): DnsPublisher =>
    new DnsPublisher({ server: { host: '127.0.0.1', port: server.port }, zone: ZONE, key: server.key, ...init })
  const failure = async (work: Promise<void>): Promise<any> => await work.then(() => undefined, error => error)

  it('point where they are told, for a minute, and at one thing only', async () => {
    await publisher().publish('k7mx2p9a', '192.0.2.1')
    expect(await server.resolver.resolve4(`k7mx2p9a.${ZONE}`, { ttl: true })).to.deep.equal([{ address: '192.0.2.1', ttl: 60 }])
    await publisher().publish('k7mx2p9a', '192.0.2.2')
    expect(await server.resolver.resolve4(`k7mx2p9a.${ZONE}`)).to.deep.equal(['192.0.2.2'])
    for (const address of ['2001:db8::1', '::1', '2001:db8:0:1:2:3:4:5', '::ffff:192.0.2.1']) {
      await publisher().publish('k7mx2p9a', address)
      const [told] = await server.resolver.resolve6(`k7mx2p9a.${ZONE}`)
      expect(new URL(`http://[${told}]`).hostname).to.equal(new URL(`http://[${address}]`).hostname)
      expect(await failure(server.resolver.resolve4(`k7mx2p9a.${ZONE}`) as never)).to.have.property('code', 'ENODATA')
    }
    await publisher().publish('k7mx2p9a', `ns.${ZONE}`)
    expect(await server.resolver.resolveCname(`k7mx2p9a.${ZONE}`)).to.deep.equal([`ns.${ZONE}`])
    await publisher().withdraw('k7mx2p9a')
    await publisher().withdraw('k7mx2p9a')
    expect(await failure(server.resolver.resolveCname(`k7mx2p9a.${ZONE}`) as never)).to.have.property('code', 'ENOTFOUND')
  })

  it('are not changed with a wrong key, a wrong clock, or elsewhere', async () => {
    const other = { ...server.key, secret: 'A'.repeat(43) + '=' }
    expect(await failure(publisher({ key: other }).publish('a', '192.0.2.1'))).to.be.instanceOf(DnsRefusedError).with.property('tsigError', 16)
    expect(await failure(publisher({ key: { ...server.key, name: 'nobody' } }).publish('a', '192.0.2.1'))).to.be.instanceOf(DnsRefusedError)
      .with.property('tsigError', 17)
    expect((await failure(publisher({ clock: new ManualClock(Date.now() - 3_600_000) }).publish('a', '192.0.2.1'))).message).to.match(/clock/)
    expect(await failure(publisher({ zone: 'else.test' }).publish('a', '192.0.2.1'))).to.be.instanceOf(DnsRefusedError).with.property('rcode', 9)
    expect(await failure(server.resolver.resolve4(`a.${ZONE}`) as never)).to.have.property('code', 'ENOTFOUND')
  })

  it('tell when the server is away, says nothing, or is an impostor', async () => {
    expect(await failure(publisher({ server: { host: '127.0.0.1', port: await freePort() } }).publish('a', '192.0.2.1'))).to.be.instanceOf(DnsUnreachableError)
    const answers = ['', 'short', '\0\x1d\0\0\xa8\0' + '\0'.repeat(30)]
    for (const text of answers) {
      const impostor = createServer(socket => {
        socket.on('error', () => {})
        socket.once('data', data => {
          const answer = Buffer.from(text, 'latin1')
          data.copy(answer, 2, 2, 4)
          socket.write(answer)
        })
      }).listen(0, '127.0.0.1')
      await once(impostor, 'listening')
      const { port } = impostor.address() as AddressInfo
      expect(await failure(publisher({ server: { host: '127.0.0.1', port }, timeoutMs: 300 }).publish('a', '192.0.2.1'))).to.be.instanceOf(DnsUnreachableError)
      impostor.close()
    }
  })

  it('follow the session from one node to the next', async () => {
    const world = await FleetWorld.open({ names: publisher() })
    try {
      const node = await world.addNode('a')
      const key = await world.key(['sessions'], 'ann')
      const { body: { id, name, hostname } } = await world.ask(key, 'POST', '/v1/sessions', { slot: 1 })
      expect(hostname).to.equal(`${name}.${ZONE}`)
      await until(async () => (await world.ask(key, 'GET', `/v1/sessions/${id}`)).body.state === 'active')
      expect(await server.resolver.resolve4(`${name}.${ZONE}`)).to.deep.equal(['127.0.0.1'])
      await world.store.putNode({
        ...await world.store.node((await world.addNode('b')).id) as NodeSpec, ingest: { host: '192.0.2.7', port: 5000 }
      })
      node.isUp = false
      await until(async () => (await server.resolver.resolve4(`${name}.${ZONE}`))[0] === '192.0.2.7')
      await world.ask(key, 'DELETE', `/v1/sessions/${id}`)
      await until(async () => (await world.ask(key, 'DELETE', '/v1/slots/1')).status === 204)
      expect(await failure(server.resolver.resolve4(`${name}.${ZONE}`) as never)).to.have.property('code', 'ENOTFOUND')
    } finally {
      await world.close()
    }
  })
})
