import { createSocket } from 'node:dgram'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { systemTableFile } from '../../supernode/test/system-table-file.ts'
import {
  interfaceAddresses, LinkListError, LinkWatch, openOrganizations, OrganizationFileError, parseLinkList, readLinkFile, ReceiverAddressError, ReceiverService,
  SenderService, SrtlaListenError, StatsListenError, StatsPort
} from '../src/node/index.ts'
import { until } from './bonded-stream.ts'
import { freeUdpPort } from './srt-live-transmit.ts'
import type { Socket } from 'node:dgram'
import type { ReceiverEffect } from '../src/index.ts'

const HAS_IPV6 = Object.values(networkInterfaces()).flat().some(entry => entry?.address === '::1')

/** A UDP socket with what came to it. */
async function peer (host = '127.0.0.1', port = 0): Promise<{ socket: Socket, port: number, got: Buffer[] }> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  const got: Buffer[] = []
  socket.on('message', bytes => { got.push(bytes) })
  socket.on('error', () => {})
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(port, host, resolve)
  })
  return { socket, port: socket.address().port, got }
}

function data (sequence: number): Buffer {
  const bytes = Buffer.alloc(200)
  bytes.writeUInt32BE(sequence)
  return bytes
}

describe('SRTLA on UDP', function () {
  this.timeout(30_000)

  const stops: Array<() => Promise<unknown> | unknown> = []

  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) {
      await stop()
    }
  })

  async function receiver (srtPort: number, init: Partial<Parameters<typeof ReceiverService.start>[0]> = {}): Promise<ReceiverService> {
    const service = await ReceiverService.start({ port: 0, srt: { host: '127.0.0.1', port: srtPort }, ...init })
    stops.push(async () => { await service.stop() })
    return service
  }

  async function sender (host: string, port: number, links: string[], init: Partial<Parameters<typeof SenderService.start>[0]> = {}): Promise<SenderService> {
    const service = await SenderService.start({ port: 0, host: '127.0.0.1', receiver: { host, port }, links, ...init })
    stops.push(async () => { await service.stop() })
    return service
  }

  async function localPeer (host?: string, port?: number): Promise<Awaited<ReturnType<typeof peer>>> {
    const made = await peer(host, port)
    stops.push(() => new Promise<void>(resolve => { made.socket.close(resolve) }))
    return made
  }

  it('carries packets both ways over IPv4 and IPv6, at one port', async function () {
    if (!HAS_IPV6) {
      this.skip()
    }
    const listener = await localPeer()
    const service = await receiver(listener.port)
    const four = await sender('127.0.0.1', service.port, ['127.0.0.2', '127.0.0.3'])
    const six = await sender('::1', service.port, ['::1'])
    await until(() => [four, six].every(({ sender }) => sender.links.every(({ state }) => state === 'up')), 'all links are up')
    for (const [i, { port }] of [four, six].entries()) {
      const encoder = await localPeer()
      encoder.socket.send(data(7 + i), port, '127.0.0.1')
      await until(() => listener.got.length === i + 1, 'the listener has it')
    }
    expect(listener.got.map(bytes => bytes.readUInt32BE()).sort()).to.deep.equal([7, 8])
    expect(service.stats().groups.map(({ conn_count: links }) => links)).to.deep.equal([2, 1])
    expect(service.stats().groups[1]?.connections[0]?.addr).to.match(/^\[::1\]:\d+$/)
  })

  it('joins two ends in this process, without ports of SRT', async () => {
    const got: number[] = []
    const service = await receiver(0, {
      srt: async (_group, { onPacket }) => ({
        send: bytes => { onPacket(Uint8Array.of(0x80, 6, bytes[2] as number, bytes[3] as number, ...new Array(16).fill(0))) },
        close: () => { got.push(-1) }
      })
    })
    const sending = await sender('127.0.0.1', service.port, ['127.0.0.2'], { port: undefined, onPacket: bytes => { got.push(bytes[3] as number) } })
    await until(() => sending.sender.links[0]?.state === 'up', 'the link is up')
    expect(sending.port).to.equal(0)
    sending.send(data(5))
    sending.send(data(6))
    await until(() => got.length === 2, 'the answers')
    await service.stop()
    expect(got).to.deep.equal([5, 6, -1])
  })

  it('brings the listener\'s packets back to the encoder', async () => {
    const listener = await localPeer()
    const service = await receiver(listener.port)
    const sending = await sender('127.0.0.1', service.port, ['127.0.0.2'])
    await until(() => sending.sender.links[0]?.state === 'up', 'the link is up')
    const encoder = await localPeer()
    listener.socket.on('message', (bytes, from) => { listener.socket.send(Buffer.concat([Buffer.of(0x80, 6), bytes.subarray(2)]), from.port, from.address) })
    encoder.socket.send(data(1), sending.port, '127.0.0.1')
    await until(() => encoder.got.length === 1, 'the encoder has the answer')
    expect(encoder.got[0]?.subarray(0, 4).toString('hex')).to.equal('80060001')
  })

  it('lets no stray packet take over from an encoder that is there', async () => {
    const listener = await localPeer()
    const service = await receiver(listener.port)
    const sending = await sender('127.0.0.1', service.port, ['127.0.0.2'])
    await until(() => sending.sender.links[0]?.state === 'up', 'the link is up')
    listener.socket.on('message', (bytes, from) => { listener.socket.send(Buffer.concat([Buffer.of(0x80, 6), bytes.subarray(2)]), from.port, from.address) })
    const [encoder, stray, successor] = [await localPeer(), await localPeer(), await localPeer()] as const
    encoder.socket.send(data(1), sending.port, '127.0.0.1')
    await until(() => encoder.got.length === 1, 'the first answer')
    stray.socket.send(data(2), sending.port, '127.0.0.1')
    encoder.socket.send(data(3), sending.port, '127.0.0.1')
    await until(() => encoder.got.length === 2, 'the second answer')
    const handshake = Buffer.alloc(64)
    handshake[0] = 0x80
    successor.socket.send(handshake, sending.port, '127.0.0.1')
    await until(() => successor.got.length === 1, 'the answer to a new connection')
    expect(stray.got.length).to.equal(0)
    expect(listener.got.map(bytes => bytes.readUInt32BE()), 'and nobody has seen it').to.deep.equal([1, 3, 0x80000000])
  })

  it('keeps a group while nobody listens for SRT, tells of it, and goes on when somebody does', async () => {
    const srtPort = await freeUdpPort()
    const events: Array<ReceiverEffect['type']> = []
    const service = await receiver(srtPort, { onEvent: ({ type }) => { events.push(type) } })
    const sending = await sender('127.0.0.1', service.port, ['127.0.0.2'])
    await until(() => sending.sender.links[0]?.state === 'up', 'the link is up')
    const encoder = await localPeer()
    let sequence = 0
    const timer = setInterval(() => { encoder.socket.send(data(sequence++), sending.port, '127.0.0.1') }, 20)
    stops.push(() => { clearInterval(timer) })
    await until(() => events.includes('listener-absent'), 'its absence is seen')
    expect(service.receiver.groups.size).to.equal(1)
    const listener = await localPeer('127.0.0.1', srtPort)
    listener.socket.on('message', (bytes, from) => { listener.socket.send(bytes, from.port, from.address) })
    await until(() => listener.got.length > 5 && events.includes('listener-back'), 'it is back')
    expect(events.filter(type => type === 'group-closed')).to.deep.equal([])
  })

  it('goes on though there is no way to the listener', async () => {
    const problems: string[] = []
    // the system refuses to send to a broadcast address
    const service = await receiver(9, { srt: { host: '255.255.255.255', port: 9 }, onProblem: message => { problems.push(message) } })
    const sending = await sender('127.0.0.1', service.port, ['127.0.0.2'])
    await until(() => sending.sender.links[0]?.state === 'up', 'the link is up')
    const encoder = await localPeer()
    encoder.socket.send(data(1), sending.port, '127.0.0.1')
    await until(() => service.receiver.groups.size === 1 && [...service.receiver.groups].some(({ listenerIsAbsent }) => listenerIsAbsent), 'it is seen')
    await new Promise(resolve => { setTimeout(resolve, 1_200) })
    expect(problems.length).to.equal(1)
  })

  it('shows the listener another address when the encoder begins another connection', async () => {
    const listener = await localPeer()
    const ports: number[] = []
    listener.socket.on('message', (_bytes, from) => { ports.push(from.port) })
    const service = await receiver(listener.port)
    const sending = await sender('127.0.0.1', service.port, ['127.0.0.2'])
    await until(() => sending.sender.links[0]?.state === 'up', 'the link is up')
    const encoder = await localPeer()
    const handshake = Buffer.alloc(64)
    handshake[0] = 0x80
    for (const socket of [1, 2]) {
      handshake.writeUInt32BE(socket, 40)
      const before = ports.length
      const timer = setInterval(() => { encoder.socket.send(handshake, sending.port, '127.0.0.1') }, 20)
      await until(() => ports.length > before + 3, 'its handshakes come')
      clearInterval(timer)
    }
    expect(new Set(ports).size).to.equal(2)
  })

  it('finds its way to a receiver that was started anew', async () => {
    const listener = await localPeer()
    const first = await ReceiverService.start({ port: 0, srt: { host: '127.0.0.1', port: listener.port } })
    const { port } = first
    const sending = await sender('127.0.0.1', port, ['127.0.0.2', '127.0.0.3'])
    await until(() => sending.sender.links.every(({ state }) => state === 'up'), 'all links are up')
    await first.stop()
    await until(() => sending.sender.links.every(({ state }) => state !== 'up'), 'the links are down')
    await receiver(listener.port, { port })
    await until(() => sending.sender.links.every(({ state }) => state === 'up'), 'all links are up again')
  })

  it('says which port or name cannot be had', async () => {
    const taken = await localPeer()
    const failures = await Promise.all([
      ReceiverService.start({ port: taken.port, hosts: ['127.0.0.1'], srt: { host: '127.0.0.1', port: 1 } }),
      SenderService.start({ port: taken.port, host: '127.0.0.1', receiver: { host: '127.0.0.1', port: 1 }, links: [] }),
      SenderService.start({ port: 0, receiver: { host: 'no-such-host.invalid', port: 1 }, links: [] })
    ].map(async starting => await starting.then(() => undefined, (error: unknown) => error)))
    expect(failures[0]).to.be.instanceOf(SrtlaListenError).with.property('port', taken.port)
    expect(failures[1]).to.be.instanceOf(SrtlaListenError)
    expect(failures[2]).to.be.instanceOf(ReceiverAddressError)
  })

  it('uses a link whose address comes later, and tells of it once', async () => {
    const listener = await localPeer()
    const service = await receiver(listener.port)
    const problems: string[] = []
    // an address that is not one of this machine, and one of a family that the receiver has not
    const sending = await sender('127.0.0.1', service.port, ['192.0.2.77', '2001:db8::1', '127.0.0.2'], { onProblem: message => { problems.push(message) } })
    await until(() => sending.sender.links.some(({ state }) => state === 'up'), 'the good link is up')
    await new Promise(resolve => { setTimeout(resolve, 2_300) })
    expect(sending.sender.links.map(({ name }) => name)).to.deep.equal(['127.0.0.2'])
    expect(problems.length).to.equal(2)
    await sending.setLinks(['127.0.0.3'])
    await until(() => sending.sender.links.some(({ name, state }) => name === '127.0.0.3' && state === 'up'), 'the other list is in use')
    expect(sending.sender.links.length).to.equal(1)
  })

  it('answers /stats with the carrier of each link, /metrics and /health', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'skein-srtla-'))
    stops.push(async () => { await rm(folder, { recursive: true }) })
    const path = join(folder, 'asn.mmdb')
    await writeFile(path, systemTableFile({ '127.0.0.2/32': 64_496 }))
    const { organizationOf } = await openOrganizations(path)
    const listener = await localPeer()
    const service = await receiver(listener.port, { organizationOf })
    const stats = await StatsPort.open({ service, port: 0 })
    stops.push(async () => { await stats.close() })
    const sending = await sender('127.0.0.1', service.port, ['127.0.0.2', '127.0.0.3'])
    await until(() => sending.sender.links.every(({ state }) => state === 'up'), 'all links are up')

    const answer = await (await fetch(`${stats.url}/stats`)).json() as any
    expect(stats.url).to.match(/^http:\/\/127\.0\.0\.1:/)
    const [group] = answer.groups
    expect(group).to.have.all.keys('id', 'total_bytes', 'conn_count', 'connections')
    expect(group.id).to.match(/^0x[0-9a-f]{16}$/)
    const carriers = group.connections.map(({ addr, asn_org: organization }: any) => [addr.split(':')[0], organization]).sort()
    expect(carriers).to.deep.equal([['127.0.0.2', 'System 64496'], ['127.0.0.3', undefined]])
    const link = group.connections.find(({ addr }: any) => addr.startsWith('127.0.0.3'))
    expect(link).to.have.all.keys('addr', 'bytes', 'pkts', 'share_pct', 'last_ms_ago', 'uptime_s')

    const metrics = await (await fetch(`${stats.url}/metrics`)).text()
    expect(metrics).to.match(/^skein_srtla_links 2$/m)
    expect(metrics).to.match(/^skein_srtla_link_bytes_total\{group="0x[0-9a-f]{16}",link="127\.0\.0\.2:\d+"\} \d+$/m)
    const ofSender = await StatsPort.open({ service: sending, port: 0 })
    stops.push(async () => { await ofSender.close() })
    const told = await (await fetch(`${ofSender.url}/stats`)).json() as any
    expect(told.groups[0].id).to.equal(group.id)
    expect(told.groups[0].connections.map(({ addr, state }: any) => [addr, state])).to.deep.equal([['127.0.0.2', 'up'], ['127.0.0.3', 'up']])
    const sent = await (await fetch(`${ofSender.url}/metrics`)).text()
    expect(sent).to.match(/^skein_srtla_send_links\{state="up"\} 2$/m)
    expect(sent).to.match(/^skein_srtla_send_link_bytes_total\{link="127\.0\.0\.2"\} \d+$/m)
    expect((await fetch(`${stats.url}/health`)).status).to.equal(200)
    expect((await fetch(`${stats.url}/other`)).status).to.equal(404)
    expect((await fetch(`${stats.url}/stats`, { method: 'POST' })).status).to.equal(405)
    const other = await StatsPort.open({ service, port: Number(new URL(stats.url).port) }).catch((error: unknown) => error)
    expect(other).to.be.instanceOf(StatsListenError)
  })

  it('knows no carriers without a file, and says what is wrong with one', async () => {
    expect((await openOrganizations(undefined)).organizationOf('192.0.2.1')).to.equal(undefined)
    const failure = await openOrganizations(join(tmpdir(), 'there-is-no-such.mmdb')).catch((error: unknown) => error)
    expect(failure).to.be.instanceOf(OrganizationFileError)
  })
})

describe('A list of links', () => {
  let folder: string
  let path: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-srtla-'))
    path = join(folder, 'links.txt')
  })

  afterEach(async () => {
    await rm(folder, { recursive: true })
  })

  it('has one address a line, and comments', () => {
    expect(parseLinkList('# modems\n192.0.2.1\n\n 198.51.100.7 # blue\r\n2001:db8::1\n192.0.2.1\n')).to.deep.equal(['192.0.2.1', '198.51.100.7', '2001:db8::1'])
    expect(() => parseLinkList('192.0.2.1\neth0\n')).to.throw(LinkListError, 'line 2')
    expect(() => parseLinkList(Array.from({ length: 17 }, (_, i) => `192.0.2.${i}`).join('\n'))).to.throw(LinkListError, '16')
  })

  it('says that it cannot be read', async () => {
    expect(await readLinkFile(path).catch((error: unknown) => error)).to.be.instanceOf(LinkListError)
  })

  it('is read again when it changes, and when told; what is wrong leaves the links as they are', async () => {
    await writeFile(path, '192.0.2.1\n')
    const lists: string[][] = []
    const problems: string[] = []
    const watch = await LinkWatch.start({
      source: { type: 'file', path }, checkMs: 20, onLinks: list => { lists.push(list) }, onProblem: message => { problems.push(message) }
    })
    try {
      expect(watch.links).to.deep.equal(['192.0.2.1'])
      await writeFile(path, '192.0.2.1\n192.0.2.2\n')
      await until(() => lists.length === 1, 'the second list')
      await writeFile(path, 'nonsense\n')
      await until(() => problems.length === 1, 'the problem')
      await rm(path)
      await until(() => problems.length === 2, 'the other problem')
      expect(watch.links).to.deep.equal(['192.0.2.1', '192.0.2.2'])
      await writeFile(path, '192.0.2.3\n')
      await watch.reload()
      expect(watch.links).to.deep.equal(['192.0.2.3'])
    } finally {
      watch.close()
    }
  })

  it('is the addresses of interfaces that are there', () => {
    const entry = (family: 'IPv4' | 'IPv6', address: string): any => ({ family, address })
    const interfaces = { wwan0: [entry('IPv6', 'fe80::1'), entry('IPv6', '2001:db8::5'), entry('IPv4', '192.0.2.5')], eth0: [entry('IPv4', '192.0.2.6')] }
    expect(interfaceAddresses(['eth0', 'wwan0', 'wwan1'], 4, interfaces)).to.deep.equal(['192.0.2.6', '192.0.2.5'])
    expect(interfaceAddresses(['eth0', 'wwan0'], 6, interfaces)).to.deep.equal(['2001:db8::5'])
  })
})
