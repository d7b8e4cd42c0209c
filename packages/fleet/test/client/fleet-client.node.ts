import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'chai'
import { FleetClient } from '@skein/fleet'
import { ConnectionFile, ConnectionFileError } from '@skein/fleet/node'
import { FleetWorld } from '../api/fleet-world.ts'
import type { Connection } from '@skein/fleet'

describe('A client of the fleet', function () {
  this.timeout(30_000)
  let world: FleetWorld
  let key: string
  let folder: string
  const clients: FleetClient[] = []

  beforeEach(async () => {
    world = await FleetWorld.open()
    key = await world.key(['sessions'], 'ann')
    folder = await mkdtemp(join(tmpdir(), 'skein-client-'))
  })
  afterEach(async () => {
    await Promise.all(clients.splice(0).map(async client => { await client.close() }))
    await world.close()
    await rm(folder, { recursive: true, force: true })
  })

  const open = async (fetch?: typeof globalThis.fetch): Promise<FleetClient> => {
    const client = await FleetClient.open({ url: world.plane.url, key, store: new ConnectionFile(join(folder, 'connections.json')), fetch })
    clients.push(client)
    return client
  }
  const ready = async (client: FleetClient, slot: number): Promise<Connection> => {
    for (;;) {
      const connection = client.connection(slot)
      if (connection?.state === 'ready' || connection?.state === 'live') {
        return connection
      }
      await pause(10)
    }
  }

  it('provides what is added, finds it again after a restart, and gives back what is removed', async () => {
    const node = await world.addNode('kc1')
    const client = await open()
    const states: string[] = []
    client.addEventListener('connection:changed', ({ detail }) => { states.push(detail.state) })
    await client.add({ slot: 1 })
    const first = await ready(client, 1)
    expect(first.session?.place).to.include({ instanceId: 'kc1' })
    expect(states[0]).to.equal('provisioning')
    await client.close()

    const again = await open()
    expect(again.connections().map(({ slot, state }) => [slot, state])).to.deep.equal([[1, 'provisioning']])
    expect((await ready(again, 1)).session?.id).to.equal(first.session?.id)
    await again.remove(1)
    await again.settled()
    while (node.admissions.list().length > 0) {
      await pause(10)
    }
    await again.close()
    expect((await open()).connections()).to.deep.equal([])
  })

  it('does not hold other connections up when an answer is slow', async () => {
    await world.addNode('kc1')
    let isHung = false
    const client = await open(async (input, init) => {
      if (isHung && String(input).endsWith('/sessions') && String(init?.body).includes('"slot":1')) {
        return await new Promise((_resolve, reject) => { init?.signal?.addEventListener('abort', () => { reject(init.signal?.reason) }) })
      }
      return await fetch(input, init)
    })
    isHung = true
    await client.add({ slot: 1 })
    await client.add({ slot: 2 })
    await ready(client, 2)
    expect(client.connection(1)?.state).to.equal('provisioning')
  })

  it('sends its heartbeats while every other answer is slow, and those of other connections while one of its own is', async () => {
    const eager = await FleetWorld.open({ times: { heartbeatMs: 100 } })
    try {
      await eager.addNode('kc1')
      const beats = new Map<string, number>()
      let hung: ((path: string) => boolean) | undefined
      const client = await FleetClient.open({
        url: eager.plane.url,
        key: await eager.key(['sessions'], 'ann'),
        fetch: async (input, init) => {
          const path = String(input)
          if (hung?.(path) === true) {
            return await new Promise((_resolve, reject) => { init?.signal?.addEventListener('abort', () => { reject(init.signal?.reason) }) })
          }
          const response = await fetch(input, init)
          if (path.endsWith('/heartbeat') && response.ok) {
            beats.set(path, (beats.get(path) ?? 0) + 1)
          }
          return response
        }
      })
      clients.push(client)
      await client.add({ slot: 1 })
      await client.add({ slot: 2 })
      await ready(client, 1)
      await ready(client, 2)
      const beating = async (slot: number): Promise<void> => {
        const path = `${eager.plane.url}/v1/sessions/${client.connection(slot)?.session?.id}/heartbeat`
        const enough = (beats.get(path) ?? 0) + 4
        while ((beats.get(path) ?? 0) < enough) {
          await pause(10)
        }
      }
      hung = path => !path.endsWith('/heartbeat')
      await client.add({ slot: 3 })
      await Promise.all([beating(1), beating(2)])
      expect(client.connection(3)?.state).to.equal('provisioning')
      const first = client.connection(1)?.session?.id as string
      hung = path => path.includes(first)
      await beating(2)
      await client.close()
    } finally {
      await eager.close()
    }
  })

  it('says what is wrong, and goes on trying', async () => {
    const client = await open()
    await client.add({ slot: 1 })
    while (client.connection(1)?.state !== 'error') {
      await pause(10)
    }
    expect(client.connection(1)?.message).to.match(/full, draining, unhealthy/)
    await world.addNode('kc1')
    await ready(client, 1)
  })

  it('does not take another file for its own', async () => {
    await writeFile(join(folder, 'connections.json'), '{"connections":[{"slot":"one"}]}')
    expect(await open().then(() => undefined, error => error)).to.be.instanceOf(ConnectionFileError)
  })
})
