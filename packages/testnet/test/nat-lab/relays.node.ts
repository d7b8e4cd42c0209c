/** Reservations of a peer behind a NAT when its relays are killed and started again, with the real `skein` command. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { LabMesh } from './lab-mesh.ts'
import { openLab } from './open-lab.ts'
import type { Caller, Provider, Relay } from './lab-mesh.ts'

const AGAIN_LIMIT_MS = 5_000
const NAMES = ['one', 'two']

describe('a peer behind a NAT whose relay is started again', function () {
  this.timeout(60_000)
  let mesh: LabMesh
  let folder: string
  let provider: Provider
  let caller: Caller

  before(async function () {
    mesh = new LabMesh(await openLab(this))
    folder = await mkdtemp(join(tmpdir(), 'skein-relays-'))
    await mesh.startStun()
    for (const name of NAMES) {
      await mesh.startRelay(name, join(folder, name))
    }
    provider = await mesh.startProvider(await mesh.lab.addHost('provider', 'symmetric-random'), { relays: 2 })
    caller = await mesh.startCaller(await mesh.lab.addHost('caller', 'symmetric-random'))
    await caller.ask('find')
    expect((await caller.ask('call', '2')).error ?? '').to.equal('')
  })

  after(async () => {
    await mesh?.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function reservedAgain (relay: Relay, sinceMs: number, earlier: number): Promise<number> {
    const told = (): number => provider.process.lines.filter(line => line.event === 'relay-reserved' && line.relay === relay.id).length
    await provider.process.line(() => told() > earlier)
    return Date.now() - sinceMs
  }

  it('has reservations in two networks, and is reached through the other when one is gone', async () => {
    const reserved = new Set(provider.process.lines.filter(({ event }) => event === 'relay-reserved').map(({ relay }) => relay))
    expect(reserved).to.deep.equal(new Set(mesh.relays.map(({ id }) => id)))
    const { connections = [] } = await caller.ask('state')
    const circuit = connections.find(({ to, address }) => to === provider.id && address.includes('/p2p-circuit'))
    const used = mesh.relays.find(({ id }) => circuit?.address.includes(id)) as Relay
    const killedMs = Date.now()
    await mesh.stop(used.process)
    const line = await caller.ask('call', '2')
    const afterMs = line.atMs - (line.tookMs ?? 0) + (line.firstMs ?? 0) - killedMs
    console.log(`      answered ${afterMs} ms after the relay in use was killed, through the other one`)
    expect(line.error ?? '', line.error).to.equal('')
    expect(afterMs).to.be.below(AGAIN_LIMIT_MS)

    const earlier = provider.process.lines.filter(line => line.event === 'relay-reserved' && line.relay === used.id).length
    const again = await mesh.startRelay(used.host, join(folder, used.host))
    const upMs = Date.now()
    expect(again.id).to.equal(used.id)
    console.log(`      the second reservation stood ${await reservedAgain(again, upMs, earlier)} ms after that relay was up again`)
  })

  it('has a reservation again within 5 s of the return of its only relay', async () => {
    const [first, second] = mesh.relays as [Relay, Relay]
    await mesh.stop(second.process)
    const earlier = provider.process.lines.filter(line => line.event === 'relay-reserved' && line.relay === first.id).length
    await mesh.stop(first.process)
    const again = await mesh.startRelay(first.host, join(folder, first.host))
    const tookMs = await reservedAgain(again, Date.now(), earlier)
    console.log(`      reserved again ${tookMs} ms after the relay was up again`)
    expect(tookMs).to.be.below(AGAIN_LIMIT_MS)
  })
})
