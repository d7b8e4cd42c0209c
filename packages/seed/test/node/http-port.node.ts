import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { expect } from 'chai'
import { Gauge, Registry } from 'prom-client'
import { openHttpPort, SeedListenError } from '../../src/node/index.ts'
import type { AddressInfo, Socket } from 'node:net'
import type { HttpPort, HttpPortInit, UpgradeTarget } from '../../src/node/index.ts'

const UPGRADE = 'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'

describe('the HTTP port of a seed', function () {
  this.timeout(20_000)
  let port: HttpPort | undefined
  let ready = true
  let healthy = true
  const counted: string[] = []
  const upgraded: string[] = []
  const ws: UpgradeTarget = {
    handleUpgrade (request, socket) {
      upgraded.push(request.url ?? '')
      socket.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n')
    }
  }

  async function open (changes: Partial<HttpPortInit> = {}): Promise<HttpPort> {
    const metrics = new Registry()
    new Gauge({ name: 'some_bytes', help: 'h', registers: [metrics] }).set(3)
    port = await openHttpPort({
      endpoint: { host: '127.0.0.1', port: 0 },
      metrics,
      health: () => ({ ok: healthy, body: { status: healthy ? 'ok' : 'failing' } }),
      ready: () => ({ ok: ready, body: {} }),
      upgrades: { '/ws': ws },
      onRequest: (path, status) => { counted.push(`${path} ${status}`) },
      ...changes
    })
    return port
  }

  afterEach(async () => {
    await port?.stop()
    port = undefined
    ready = healthy = true
    counted.length = upgraded.length = 0
  })

  /** What comes back for bytes that no HTTP client would send, until the connection ends. */
  async function raw (text: string): Promise<string> {
    const socket: Socket = connect(Number(new URL(port?.url ?? '').port), '127.0.0.1')
    let answer = ''
    socket.on('data', data => { answer += String(data) })
    socket.on('error', () => {})
    socket.write(text)
    await once(socket, 'close')
    return answer
  }

  const cases: Array<[method: string, path: string, status: number, body: RegExp]> = [
    ['GET', '/metrics', 200, /^some_bytes 3$/m],
    ['GET', '/metrics?name=x', 200, /some_bytes/],
    ['HEAD', '/metrics', 200, /^$/],
    ['GET', '/health', 200, /"ok"/],
    ['GET', '/ready', 200, /\{\}/],
    ['POST', '/metrics', 405, /takes GET/],
    ['DELETE', '/ready', 405, /takes GET/],
    ['GET', '/', 404, /\/metrics, \/health, \/ready, \/ws/],
    ['GET', '/metrics/', 404, /There is/],
    ['GET', '/ws', 426, /WebSocket/],
    ['GET', '/__proto__', 404, /There is/]
  ]
  for (const [method, path, status, body] of cases) {
    it(`answers ${method} ${path} with ${status}`, async () => {
      const { url } = await open()
      const response = await fetch(`${url}${path}`, { method })
      expect(response.status).to.equal(status)
      expect(await response.text()).to.match(body)
      expect(counted).to.deep.equal([`${/^\/(metrics|health|ready|ws)(\?.*)?$/.test(path) ? path.split('?')[0] : 'other'} ${status}`])
    })
  }

  it('says 503 when it is not ready, and when it is not well, each for itself', async () => {
    const { url } = await open()
    ready = false
    expect([(await fetch(`${url}/ready`)).status, (await fetch(`${url}/health`)).status]).to.deep.equal([503, 200])
    ready = true
    healthy = false
    expect([(await fetch(`${url}/ready`)).status, (await fetch(`${url}/health`)).status]).to.deep.equal([200, 503])
  })

  it('shows metrics to those alone who have the token, when there is one', async () => {
    const { url } = await open({ metricsToken: 'right-right-right' })
    const status = async (authorization?: string): Promise<number> =>
      (await fetch(`${url}/metrics`, { headers: authorization == null ? {} : { authorization } })).status
    expect(await Promise.all([status(), status('Bearer wrong'), status('Basic right-right-right'), status('Bearer right-right-right')]))
      .to.deep.equal([401, 401, 401, 200])
    expect((await fetch(`${url}/ready`)).status).to.equal(200)
  })

  it('says 500 when the figures cannot be collected, and works on', async () => {
    const metrics = new Registry()
    metrics.registerMetric(new Gauge({ name: 'broken_bytes', help: 'h', registers: [], collect () { throw new Error('no figures') } }))
    const { url } = await open({ metrics })
    for (let i = 0; i < 6; i++) {
      expect((await fetch(`${url}/metrics`)).status).to.equal(500)
    }
    expect((await fetch(`${url}/ready`)).status).to.equal(200)
  })

  it('hands an upgrade of a mounted path on, refuses one of another path, and any while it is not ready', async () => {
    await open()
    expect(await raw(`GET /ws?x=1 HTTP/1.1\r\nhost: a\r\n${UPGRADE}\r\n`)).to.match(/^HTTP\/1\.1 101 /)
    expect(await raw(`GET /metrics HTTP/1.1\r\nhost: a\r\n${UPGRADE}\r\n`)).to.match(/^HTTP\/1\.1 404 /)
    ready = false
    expect(await raw(`GET /ws HTTP/1.1\r\nhost: a\r\n${UPGRADE}\r\n`)).to.match(/^HTTP\/1\.1 503 /)
    expect(upgraded).to.deep.equal(['/ws?x=1'])
    expect(counted).to.deep.equal(['/ws 101', 'other 404', '/ws 503'])
  })

  const hostile: Array<[string, string, RegExp]> = [
    ['a head that is too large', `GET /health HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
    ['no HTTP', 'hello\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['a body that nobody asked for', `POST /health HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n${'x'.repeat(1_000)}`, /^HTTP\/1\.1 405 /]
  ]
  for (const [name, text, answer] of hostile) {
    it(`ends the connection of ${name}`, async () => {
      await open()
      expect(await raw(text)).to.match(answer)
    })
  }

  it('closes a connection that never sends a whole head', async () => {
    await open({ headersTimeoutMs: 100 })
    expect(await raw('GET /health HTTP/1.1\r\nhost: a\r\n')).to.match(/^HTTP\/1\.1 408 /)
  })

  it('says what to do when the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const taken = (other.address() as AddressInfo).port
    let failure: unknown
    try {
      await open({ endpoint: { host: '127.0.0.1', port: taken } })
    } catch (error) {
      failure = error
    }
    expect(failure).to.be.instanceOf(SeedListenError).and.include({ code: 'EADDRINUSE', where: `127.0.0.1:${taken}` })
    expect((failure as Error).message).to.match(/choose another port with --http/)
    other.close()
  })

  it('stops although a client keeps its connection open', async () => {
    const opened = await open()
    const socket = connect(Number(new URL(opened.url).port), '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    await Promise.all([opened.stop(), once(socket, 'close')])
    port = undefined
  })
})
