import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StreamAdmissions } from '@skein/fleet'
import { serveNode } from '@skein/fleet/node'
import { expect } from 'chai'
import { SkeinProcess } from './skein-process.ts'
import type { NodeAgent, NodeHealth } from '@skein/fleet'
import type { ServedNode } from '@skein/fleet/node'
import type { SkeinEvent } from './skein-process.ts'

const NODE_KEY = 'k'.repeat(32)

describe('skein fleet', function () {
  this.timeout(240_000)
  const running: SkeinProcess[] = []
  const admissions = new StreamAdmissions({ capacity: 2 })
  let folder: string
  let store: string
  let node: ServedNode

  function skein (args: string[], environment: Record<string, string> = {}): SkeinProcess {
    const child = new SkeinProcess(['fleet', ...args], environment)
    running.push(child)
    return child
  }

  async function told (args: string[], event: string, environment: Record<string, string> = {}): Promise<SkeinEvent> {
    const child = skein(args, environment)
    const found = await child.event(event)
    await child.exit()
    return found
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-fleet-command-'))
    store = join(folder, 'fleet.db')
    const health: NodeHealth = { bootId: 'b', draining: false, cpuShare: 0, memoryShare: 0 }
    const agent: NodeAgent = {
      health: async () => health,
      statistics: async () => ({
        ...health, bytes: 0, lossShare: 0,
        streams: admissions.list().map(({ sessionId, fence }) =>
          ({ sessionId, fence, live: false, bitrateBps: 0, rttMs: 0, lossShare: 0, latencyMs: 0, links: [] }))
      }),
      admit: async request => { admissions.admit(request) },
      revoke: async request => { admissions.revoke(request) },
      drain: async () => {}
    }
    node = await serveNode({ agent, key: NODE_KEY, port: 0 })
  })
  after(async () => {
    await Promise.all(running.map(async child => { await child.dispose() }))
    await node.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('serves a fleet, adds a node, and keeps a relay ready until it is given back', async () => {
    const operator = (await told(['key', '--store', store, '--scope', 'nodes'], 'key')).key as string
    const user = (await told(['key', '--store', store, '--user', 'ann'], 'key')).key as string
    const plane = skein(['serve', '--store', store, '--port', '0'])
    const { url } = await plane.event('started')
    const asOperator = { SKEIN_FLEET_URL: url as string, SKEIN_FLEET_KEY: operator, SKEIN_FLEET_NODE_KEY: NODE_KEY }
    const asUser = { SKEIN_FLEET_URL: url as string, SKEIN_FLEET_KEY: user }

    expect(await told(['node', 'add', 'kc1', '--region', 'us-central', '--capacity', '2', '--ingest', '192.0.2.1:5000', '--play', '[2001:db8::1]:4000',
      '--manage', node.url, '--month-limit', '32000'], 'node', asOperator)).to.deep.include({ id: 'kc1', play: { host: '2001:db8::1', port: 4000 }, budget: 'ok' })

    const client = skein(['connect', '--slot', '1', '--release'], asUser)
    const ready = await client.event('connection', ({ state }) => state === 'ready')
    expect(ready.session.place).to.include({ instanceId: 'kc1', ingestPort: 5000 })
    expect(admissions.list()).to.have.length(1)
    expect(await told(['sessions'], 'session', asUser)).to.include({ slot: 1, state: 'active', id: ready.session.id })
    expect(await told(['slots'], 'slot', asUser)).to.include({ slot: 1, name: ready.session.name })
    expect(await told(['nodes'], 'node', asOperator)).to.include({ id: 'kc1', used: 1 })
    expect(await told(['node', 'drain', 'kc1'], 'node', asOperator)).to.include({ whyNotPicked: 'draining' })
    expect(await told(['nodes'], 'error', asUser)).to.include({ name: 'FleetRefusedError', code: 'forbidden' })

    client.kill('SIGTERM')
    expect((await client.exit()).code).to.equal(0)
    plane.kill('SIGTERM')
    expect(await plane.exit()).to.deep.equal({ code: 0, signal: null })
  })

  it('says what is missing', async () => {
    expect((await told(['key', '--store', store], 'error')).message).to.match(/--user/)
    expect((await told(['slots'], 'error', { SKEIN_FLEET_KEY: '', SKEIN_FLEET_URL: 'http://127.0.0.1:1' })).name).to.equal('FleetOptionsError')
    expect((await told(['play', 'one'], 'error', { SKEIN_FLEET_KEY: 'skf_' })).message).to.match(/0 to 99, not one/)
    expect((await told(['node', 'serve'], 'error', { SKEIN_FLEET_NODE_KEY: 'short' })).message).to.match(/SKEIN_FLEET_NODE_KEY/)
    expect((await told(['connect', '--slot', '100'], 'none', {}).catch((error: Error) => error.message))).to.match(/whole number from 0 to 99/)
  })
})
