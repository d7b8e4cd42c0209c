/** What becomes of calls when something on the way breaks, with the real `skein` command behind NATs. */
import { expect } from 'chai'
import { LabMesh } from './lab-mesh.ts'
import { openLab } from './open-lab.ts'
import type { Caller, CallerLine, Provider, Relay } from './lab-mesh.ts'

/** Answers of the built-in model are slowed down to this, tokens/s, so that faults come in the middle of one. */
const PACE = 20
const TOKENS = 100
const RESUME_LIMIT_MS = 15_000
const RELAY_LIMIT_MS = 5_000

describe('faults on the way between two peers behind NATs', function () {
  this.timeout(120_000)
  let mesh: LabMesh
  let caller: Caller
  let provider: Provider

  beforeEach(async function () {
    mesh = new LabMesh(await openLab(this))
    await mesh.startStun()
    await mesh.startRelay('one')
  })

  afterEach(async () => { await mesh?.close() })

  async function pair (kind: 'symmetric-random' | 'port-restricted', relays: number): Promise<void> {
    provider = await mesh.startProvider(await mesh.lab.addHost('provider', kind), { relays, pace: PACE })
    caller = await mesh.startCaller(await mesh.lab.addHost('caller', kind))
    await caller.ask('find')
    whole(await answeredAgain(Date.now(), RESUME_LIMIT_MS))
  }

  async function pause (ms: number): Promise<void> {
    await new Promise(resolve => setTimeout(resolve, ms))
  }

  /** A call until one is answered, and how long that took since, ms. */
  async function answeredAgain (sinceMs: number, limitMs: number): Promise<CallerLine & { afterMs: number }> {
    for (;;) {
      const line = await caller.ask('call', '2')
      const afterMs = line.atMs - (line.tookMs ?? 0) + (line.firstMs ?? 0) - sinceMs
      if (line.error === undefined || Date.now() - sinceMs > limitMs) {
        return { ...line, afterMs }
      }
      await pause(100)
    }
  }

  function told (afterMs: number, error: string | undefined, tookMs: number | undefined): void {
    console.log(`      answered again after ${afterMs} ms; the answer under way ${error === undefined ? `was whole after ${tookMs} ms` : `failed: ${error}`}`)
  }

  function whole (line: CallerLine): void {
    expect(line.error ?? '', line.error).to.equal('')
    expect(line.pieces).to.be.above(0)
  }

  it('a NAT that forgets its mappings: calls are answered again within 15 s', async () => {
    await pair('symmetric-random', 1)
    const underWay = caller.ask('call', String(TOKENS))
    await pause(1_500)
    const rebootedMs = Date.now()
    await mesh.lab.rebootNat('caller')
    const again = await answeredAgain(rebootedMs, RESUME_LIMIT_MS)
    whole(again)
    const { error, tookMs } = await underWay
    told(again.afterMs, error, tookMs)
    expect(again.afterMs).to.be.below(RESUME_LIMIT_MS)
  })

  it('a relay that is killed: calls are answered again within 5 s where there is a second reservation', async () => {
    await mesh.startRelay('two')
    await pair('symmetric-random', 2)
    const { connections = [] } = await caller.ask('state')
    const circuit = connections.find(({ to, address }) => to === provider.id && address.includes('/p2p-circuit'))
    const relay = mesh.relays.find(({ id }) => circuit?.address.includes(id)) as Relay
    const underWay = caller.ask('call', String(TOKENS))
    await pause(1_500)
    const killedMs = Date.now()
    await mesh.stop(relay.process)
    const again = await answeredAgain(killedMs, RELAY_LIMIT_MS)
    whole(again)
    const { error, tookMs } = await underWay
    told(again.afterMs, error, tookMs)
    expect(again.afterMs).to.be.below(RELAY_LIMIT_MS)
  })

  it('20 % loss: answers come whole', async () => {
    await pair('port-restricted', 1)
    await mesh.lab.setLoss('caller', 0.2)
    for (let i = 0; i < 3; i++) {
      const line = await caller.ask('call', '20')
      whole(line)
      console.log(`      first token after ${line.firstMs} ms, whole after ${line.tookMs} ms, ${line.path}`)
    }
  })
})
