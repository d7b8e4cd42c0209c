import { connect } from 'node:net'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemRandom } from '@skein/core/system'
import { expect } from 'chai'
import { managementApi, RelayBook, statsApi } from '../src/index.ts'
import { keyDigest, makeKey, MediaListenError, openJsonPort, RelayFile } from '../src/node/index.ts'
import type { Permission, PublisherFigures } from '../src/index.ts'
import type { JsonPort } from '../src/node/index.ts'

const FIGURES: PublisherFigures = {
  kbitPerSecond: 1093,
  uptimeMs: 5_900,
  latencyMs: 500,
  msRTT: 0.0391,
  msRcvBuf: 438,
  mbpsBandwidth: 12.3,
  mbpsRecvRate: 1.1502,
  pktRecv: 9_000,
  pktRcvDrop: 0,
  pktRcvLoss: 3,
  byteRcvDrop: 0,
  byteRcvLoss: 4_000
}

/** Whose key a request carries. */
type Caller = Permission | 'nobody' | 'stranger'
type Case = [what: string, caller: Caller, method: string, path: string, body: unknown, status: number, answer: unknown]

describe('the APIs of a relay', () => {
  const keys = new Map<Caller, string>([['stranger', 'skein_mr_none']])
  let folder: string
  let file: RelayFile
  let book: RelayBook
  let api: JsonPort
  let stats: JsonPort
  let problem: string | undefined

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-media-'))
    file = await RelayFile.open(join(folder, 'relay.json'))
    book = new RelayBook({
      state: file.state,
      save: async state => { await file.save(state) },
      makeKey: () => makeKey(systemRandom()),
      digest: keyDigest,
      nowMs: () => 0,
      maxStreams: 3
    })
    for (const permission of ['read', 'write', 'admin'] as const) {
      const made = await book.addKey(permission, [permission])
      keys.set(permission, made.type === 'made' ? made.key : '')
    }
    await book.addStream({ publisher: 'live_a', player: 'play_a', description: 'Studio' })
    await book.addStream({ publisher: 'live_off', player: 'play_off', description: '' })
    problem = undefined
    api = await openJsonPort({ host: '127.0.0.1', port: 0, purpose: 'tests', handler: managementApi({ book, problem: () => problem }) })
    stats = await openJsonPort({
      host: '127.0.0.1',
      port: 0,
      purpose: 'tests',
      isPublic: true,
      handler: statsApi({
        figuresOf: player => ({ live_a: FIGURES, live_off: 'offline' as const })[book.streams.publisherOf(player) ?? ''] ?? 'unknown'
      })
    })
  })

  afterEach(async () => {
    await api.stop()
    await stats.stop()
    await file.close()
    await rm(folder, { recursive: true })
  })

  async function ask (caller: Caller, method: string, path: string, body?: unknown): Promise<Response> {
    return await fetch(`${path.startsWith('/stats') ? stats.url : api.url}${path}`, {
      method,
      headers: caller === 'nobody' ? {} : { authorization: `Bearer ${keys.get(caller)}` },
      ...body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }
    })
  }

  const refused = (message: string): unknown => ({ message, status: 'error' })
  const NO_KEY = refused('Missing or invalid Authorization header')
  const LIST = {
    data: [
      { description: 'Studio', player: 'play_a', publisher: 'live_a' },
      { description: '', player: 'play_off', publisher: 'live_off' }
    ],
    status: 'success'
  }
  const LIVE = {
    bitrate: 1093, bytesRcvDrop: 0, bytesRcvLoss: 4_000, latency: 500, mbpsBandwidth: 12.3, mbpsRecvRate: 1.15, msRcvBuf: 438, pktRcvDrop: 0,
    pktRcvLoss: 3, rtt: 0.039, uptime: 5
  }
  const CASES: Case[] = [
    ['health, without a key', 'nobody', 'GET', '/health', undefined, 200, { status: 'ok' }],
    ['health by POST', 'nobody', 'POST', '/health', {}, 405, /\/health takes GET, HEAD, not POST/],
    ['a path that is none', 'admin', 'GET', '/api/other', undefined, 404, /There is/],
    ['the root', 'nobody', 'GET', '/', undefined, 404, /There is/],

    ['the list without a key', 'nobody', 'GET', '/api/stream-ids', undefined, 401, NO_KEY],
    ['the list with a wrong key', 'stranger', 'GET', '/api/stream-ids', undefined, 401, refused('Invalid API key')],
    ['the list', 'read', 'GET', '/api/stream-ids', undefined, 200, LIST],
    ['the list with a key for more', 'admin', 'GET', '/api/stream-ids', undefined, 200, LIST],
    ['the list by PUT', 'admin', 'PUT', '/api/stream-ids', {}, 405, /takes GET, HEAD, POST/],
    ['a new id', 'write', 'POST', '/api/stream-ids', { publisher: 'live_b', player: 'play_b', description: 'Two' }, 200,
      { message: 'Stream ID added successfully', status: 'success' }],
    ['a new id without a description', 'admin', 'POST', '/api/stream-ids', { publisher: 'live_b', player: 'play_b' }, 200,
      { message: 'Stream ID added successfully', status: 'success' }],
    ['a second player of a publisher', 'write', 'POST', '/api/stream-ids', { publisher: 'live_a', player: 'play_b' }, 200,
      { message: 'Stream ID added successfully', status: 'success' }],
    ['a new id without a key', 'nobody', 'POST', '/api/stream-ids', { publisher: 'live_b', player: 'play_b' }, 401, NO_KEY],
    ['a new id with a key to read', 'read', 'POST', '/api/stream-ids', { publisher: 'live_b', player: 'play_b' }, 403, /lacks the permission write/],
    ['a player that is taken', 'write', 'POST', '/api/stream-ids', { publisher: 'live_b', player: 'play_a' }, 409, /^player is in use/],
    ['no publisher', 'write', 'POST', '/api/stream-ids', { player: 'play_b' }, 400, refused('publisher is missing')],
    ['no player', 'write', 'POST', '/api/stream-ids', { publisher: 'live_b' }, 400, refused('player is missing')],
    ['a publisher without its prefix', 'write', 'POST', '/api/stream-ids', { publisher: 'b', player: 'play_b' }, 400, /^publisher has to be live_/],
    ['a player with a slash', 'write', 'POST', '/api/stream-ids', { publisher: 'live_b', player: 'play_b/c' }, 400, /^player has to be play_/],
    ['a player that is a list', 'write', 'POST', '/api/stream-ids', { publisher: 'live_b', player: [] }, 400, /^player has to be a text/],
    ['a description of 300 characters', 'write', 'POST', '/api/stream-ids',
      { publisher: 'live_b', player: 'play_b', description: 'x'.repeat(300) }, 400, /^description has to be/],
    ['no JSON', 'write', 'POST', '/api/stream-ids', 'publisher=live_b', 400, /^The body is no JSON/],
    ['a list', 'write', 'POST', '/api/stream-ids', [], 400, /has to be a JSON object/],
    ['nothing', 'write', 'POST', '/api/stream-ids', undefined, 400, /^The body is no JSON/],
    ['a body of 20 KB', 'write', 'POST', '/api/stream-ids', 'x'.repeat(20_000), 413, /larger than 16384 bytes/],
    ['an id to delete', 'write', 'DELETE', '/api/stream-ids/play_a', undefined, 200, { message: 'Stream ID deleted successfully', status: 'success' }],
    ['an id to delete, with a key to read', 'read', 'DELETE', '/api/stream-ids/play_a', undefined, 403, /lacks the permission write/],
    ['an id to delete, without a key', 'nobody', 'DELETE', '/api/stream-ids/play_a', undefined, 401, NO_KEY],
    ['an unknown id to delete', 'write', 'DELETE', '/api/stream-ids/play_z', undefined, 404, refused('Stream ID not found')],
    ['an id to delete that is wrongly encoded', 'write', 'DELETE', '/api/stream-ids/%E0%A4', undefined, 400, /percent-encoded/],
    ['one id by GET', 'write', 'GET', '/api/stream-ids/play_a', undefined, 405, /takes DELETE/],

    ['keys without one', 'nobody', 'GET', '/api/keys', undefined, 401, NO_KEY],
    ['keys with one to write', 'write', 'GET', '/api/keys', undefined, 403, /lacks the permission admin/],
    ['a new key with one to write', 'write', 'POST', '/api/keys', { name: 'x', permissions: 'read' }, 403, /lacks the permission admin/],
    ['a new key without a name', 'admin', 'POST', '/api/keys', { permissions: 'read' }, 400, refused('name is missing')],
    ['a new key with an empty name', 'admin', 'POST', '/api/keys', { name: '', permissions: 'read' }, 400, /^name has to be/],
    ['a new key without permissions', 'admin', 'POST', '/api/keys', { name: 'x' }, 400, refused('permissions is missing')],
    ['a new key with none', 'admin', 'POST', '/api/keys', { name: 'x', permissions: [] }, 400, /^permissions has to be one of/],
    ['a new key with a permission that is none', 'admin', 'POST', '/api/keys', { name: 'x', permissions: ['read', 'root'] }, 400, /^permissions has to be/],
    ['an unknown key to delete', 'admin', 'DELETE', '/api/keys/0123', undefined, 404, refused('API key not found')],

    ['figures of a live stream', 'nobody', 'GET', '/stats/play_a', undefined, 200,
      { publisher: { bitrate: 1093, buffer: 438, dropped_pkts: 0, latency: 500, rtt: 0.039, uptime: 5 }, status: 'ok' }],
    ['older figures of a live stream', 'nobody', 'GET', '/stats/play_a?legacy=1', undefined, 200, { publishers: { live: LIVE }, status: 'ok' }],
    ['figures of a stream that is offline', 'nobody', 'GET', '/stats/play_off', undefined, 200, { message: 'Stream is offline', status: 'ok' }],
    ['older figures of a stream that is offline', 'nobody', 'GET', '/stats/play_off?legacy=1', undefined, 200,
      { message: 'Stream is offline', publishers: {}, status: 'ok' }],
    ['figures of an unknown player', 'nobody', 'GET', '/stats/play_z', undefined, 404, refused('Invalid player key')],
    ['older figures of an unknown player', 'nobody', 'GET', '/stats/play_z?legacy=1', undefined, 404, refused('Invalid player key')],
    ['figures by the id of a publisher', 'nobody', 'GET', '/stats/live_a', undefined, 404, refused('Invalid player key')],
    ['figures of nobody', 'nobody', 'GET', '/stats/', undefined, 404, /There is/],
    ['figures by POST', 'nobody', 'POST', '/stats/play_a', {}, 405, /takes GET, HEAD/]
  ]
  for (const [what, caller, method, path, body, status, expected] of CASES) {
    it(`answer ${what} (${caller}) with ${status}`, async () => {
      const response = await ask(caller, method, path, body)
      const answer = await response.json() as { message: string }

      expect(response.status).to.equal(status)
      expect(response.headers.get('content-type')).to.equal('application/json')
      if (expected instanceof RegExp) {
        expect(answer).to.have.keys(['message', 'status']).and.include({ status: 'error' })
        expect(answer.message).to.match(expected)
      } else {
        expect(answer).to.deep.equal(expected)
      }
    })
  }

  it('write the fields of an answer in the order that others do', async () => {
    expect(await (await ask('read', 'GET', '/api/stream-ids')).text()).to.match(/^{"data":\[{"description":"Studio","player":"play_a","publisher":"live_a"}/)
    expect(await (await ask('nobody', 'GET', '/api/keys')).text())
      .to.equal('{"message":"Missing or invalid Authorization header","status":"error"}')
  })

  it('show a key once, and know it from then on, by its digest', async () => {
    const response = await ask('admin', 'POST', '/api/keys', { name: 'tool', permissions: ['write'] })
    const { data, status } = await response.json() as { data: Record<string, string>, status: string }
    expect([response.status, status]).to.deep.equal([200, 'success'])
    expect(data).to.include({ name: 'tool' }).and.to.have.property('key').that.matches(/^skein_mr_[\w-]{43}$/)

    const key = data.key as string
    const withIt = async (): Promise<number> => (await fetch(`${api.url}/api/stream-ids`, { headers: { authorization: `Bearer ${key}` } })).status
    expect(await withIt()).to.equal(200)
    expect(await readFile(file.path, 'utf8')).to.contain('tool').and.not.to.contain(key)
    expect(await (await ask('admin', 'GET', '/api/keys')).text()).to.contain('tool').and.not.to.contain(key).and.not.to.contain(keyDigest(key))
    expect((await ask('admin', 'DELETE', `/api/keys/${data.id}`)).status).to.equal(200)
    expect(await withIt()).to.equal(401)
  })

  it('do not delete the last key that can make keys', async () => {
    const { data } = await (await ask('admin', 'GET', '/api/keys')).json() as { data: Array<{ id: string, name: string }> }
    const response = await ask('admin', 'DELETE', `/api/keys/${data.find(({ name }) => name === 'admin')?.id}`)

    expect(response.status).to.equal(409)
  })

  it('refuse one stream id more than there may be', async () => {
    await ask('write', 'POST', '/api/stream-ids', { publisher: 'live_b', player: 'play_b' })
    const response = await ask('write', 'POST', '/api/stream-ids', { publisher: 'live_c', player: 'play_c' })

    expect([response.status, (await response.json() as { message: string }).message]).to.deep.equal([507, 'There are 3 stream ids already: delete one first'])
  })

  it('say that the relay does not work', async () => {
    problem = 'the port for publishers is closed'
    const response = await ask('nobody', 'GET', '/health')

    expect([response.status, await response.json()]).to.deep.equal([503, { message: problem, status: 'error' }])
  })

  it('let pages read figures, and nothing else', async () => {
    expect((await ask('nobody', 'GET', '/stats/play_a')).headers.get('access-control-allow-origin')).to.equal('*')
    expect((await ask('admin', 'GET', '/api/stream-ids')).headers.get('access-control-allow-origin')).to.equal(null)
  })

  it('do not read on when a body without a length grows too large', async () => {
    const socket = connect(api.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(`POST /api/stream-ids HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${keys.get('write')}\r\ntransfer-encoding: chunked\r\n\r\n`)
    const chunk = `1000\r\n${'x'.repeat(0x1000)}\r\n`
    const pushing = setInterval(() => { socket.write(chunk) }, 1)
    let answer = ''
    for await (const data of socket) {
      answer += String(data)
    }
    clearInterval(pushing)

    expect(answer).to.match(/^HTTP\/1\.1 413 /).and.match(/connection: close/i)
  })

  it('say why a port cannot be opened', async () => {
    const error = await openJsonPort({ host: '127.0.0.1', port: api.port, purpose: 'statistics', handler: statsApi({ figuresOf: () => 'unknown' }) })
      .then(() => undefined, error => error)

    expect(error).to.be.instanceOf(MediaListenError)
    expect(error.message).to.contain(`port ${api.port} for statistics: the port is in use`)
  })
})
