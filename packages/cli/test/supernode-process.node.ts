import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createPeer } from '@skein/peer'
import { createSeed } from '@skein/seed'
import { expect } from 'chai'
import { SkeinProcess } from './skein-process.ts'
import type { Peer } from '@skein/peer'
import type { Seed } from '@skein/seed'
import type { SkeinEvent } from './skein-process.ts'

const LOOPBACK = ['--listen', '/ip4/127.0.0.1/tcp/0']
const ASK = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }
const KIB = 'x'.repeat(1024)

describe('skein supernode', function () {
  this.timeout(90_000)
  const running: SkeinProcess[] = []
  const nodes: Array<{ stop: () => Promise<void> }> = []
  let folder: string
  let seed: Seed

  function skein (args: string[]): SkeinProcess {
    const child = new SkeinProcess(args)
    running.push(child)
    return child
  }

  function supernode (args: string[] = [], data = folder): SkeinProcess {
    return skein(['supernode', ...LOOPBACK, '--data', data, '--cpu', 'none', ...seed.addresses.flatMap(address => ['--seed', address]), ...args])
  }

  async function status (data = folder): Promise<SkeinEvent> {
    const child = skein(['supernode', 'status', '--data', data])
    const told = await child.event('status')
    await child.exit()
    return told
  }

  async function hidden (): Promise<Peer> {
    const peer = await createPeer({ listen: [], bootstrap: seed.addresses })
    nodes.push(peer)
    return peer
  }

  /** Answers with so many KiB, one a time. */
  async function server (kib: number, pauseMs = 0): Promise<Peer> {
    const peer = await hidden()
    await peer.reserveRelay()
    await peer.serve('m', async function * () {
      for (let i = 0; i < kib; i++) {
        yield KIB
        await pause(pauseMs)
      }
    })
    return peer
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-supernode-'))
    seed = await createSeed({ listen: ['/ip4/127.0.0.1/tcp/0'], roles: ['discover', 'bootstrap'] })
    nodes.push(seed)
  })
  afterEach(async () => {
    await Promise.all(running.splice(0).map(async child => { await child.dispose() }))
    for (const node of nodes.splice(0).reverse()) {
      await node.stop()
    }
    await rm(folder, { recursive: true })
  })

  it('relays from the start as a candidate, and says what it did: in status, and on /metrics', async () => {
    const child = supernode(['--metrics', '0', '--region', 'eu-west'])
    const { id, metrics, quota } = await child.event('listening')
    expect(quota).to.deep.include({ bytesPerDay: 10e9, bytesPerMonth: 200e9, bytesPerSecond: 5e6 })
    expect(await child.event('state')).to.deep.include({ state: 'candidate' })
    const far = await server(300)
    expect(far.relays[0]?.relay).to.equal(id)
    expect((await (await hidden()).chat(ASK).text()).length).to.equal(300 * 1024)

    const told = await status()
    expect(told).to.deep.include({ peer: id, region: 'eu-west', roles: ['hub', 'relay'] })
    expect(told.relay).to.deep.include({ reservations: 1, maxReservations: 32, clientsToday: 1 })
    expect(told.today).to.deep.include({ limitBytes: 10e9 })
    expect(told.today.bytes).to.be.above(600 * 1024)
    const text = await (await fetch(`${metrics}/metrics`)).text()
    expect(text).to.match(/^skein_supernode_state\{state="candidate"\} 1$/m)
    expect(Number(/^skein_supernode_day_bytes (\d+)$/m.exec(text)?.[1])).to.be.above(600 * 1024)
    expect(text).to.match(/^skein_supernode_reservations 1$/m)
    expect(await (await fetch(`${metrics}/ready`)).json()).to.deep.equal({ status: 'candidate' })
  })

  it('does not forget a byte that it told of when it is killed, nor over many kills', async () => {
    let before = { day: 0, month: 0 }
    for (let run = 0; run < 4; run++) {
      const child = supernode(['--per-day', '100GB'])
      await child.event('listening')
      const peers = [await server(20_000), await hidden()]
      const carrying = peers[1]?.chat(ASK).text().catch(() => {})
      await pause(700)
      const { today, month } = await status()
      child.kill('SIGKILL') // while it carries
      await child.exit()
      await carrying
      expect([today.bytes >= before.day, month.bytes >= before.month], `run ${run}`).to.deep.equal([true, true])
      expect(today.bytes).to.be.above(before.day)
      before = { day: today.bytes, month: month.bytes }
      for (const peer of peers) {
        await peer?.stop()
      }
    }
    const child = supernode(['--per-day', '100GB'])
    await child.event('listening')
    const { today, month } = await status()
    expect(today.bytes).to.be.at.least(before.day)
    expect(month.bytes).to.be.at.least(before.month)
    // 4 times what a crash may cost, and what was really carried
    expect(today.bytes).to.be.below(4 * 64 * 2 ** 20 + 400e6)
    child.kill('SIGINT')
    expect((await child.exit()).code).to.equal(0)
    const again = supernode()
    await again.event('listening')
    expect((await status()).today.bytes, 'an orderly end costs nothing').to.be.below(today.bytes + 1e6)
  })

  it('drains when it is told to: the circuit that stands ends by itself, the client goes on through another, the process ends with 0', async () => {
    const child = supernode(['--drain', '60'])
    const { id } = await child.event('listening')
    const far = await server(40, 100)
    const near = await hidden()
    const answer = near.chat(ASK).text()
    while ((await status()).relay.circuits === 0) {
      await pause(50)
    }
    const other = supernode([], join(folder, 'other'))
    const { id: otherId } = await other.event('listening')
    const drain = skein(['supernode', 'drain', '--data', folder])
    expect(await drain.event('state')).to.deep.include({ state: 'draining', circuits: 1 })
    expect((await answer).length).to.equal(40 * 1024)
    await drain.event('stopped')
    expect((await drain.exit()).code).to.equal(0)
    expect((await child.exit()).code).to.equal(0)
    expect(child.events.map(({ event, state }) => state ?? event))
      .to.deep.equal(['listening', 'candidate', 'draining', 'draining', 'drained', 'stopped'])
    while (!far.relays.some(({ relay }) => relay === otherId)) {
      await pause(20)
    }
    expect(id).to.not.equal(otherId)
    // the offer with the new address is on its way to those who hold it
    const caller = await hidden()
    let text = ''
    while (text === '') {
      text = await caller.chat(ASK).text().catch(() => '')
    }
    expect(text.length).to.equal(40 * 1024)
  })

  it('drains at the first signal, and ends at once at the second', async () => {
    const child = supernode(['--drain', '600'])
    await child.event('listening')
    await server(10_000, 50)
    void (await hidden()).chat(ASK).text().catch(() => {})
    while ((await status()).relay.circuits === 0) {
      await pause(50)
    }
    child.kill('SIGINT')
    await child.event('state', ({ state }) => state === 'draining')
    await pause(400) // sooner, it would be the first one twice, as npx and timeout send it
    child.kill('SIGINT')
    expect((await child.exit()).code).to.equal(130)
  })

  it('is paused outside of its hours, and says when it goes on', async () => {
    const hour = (offset: number): string => `${String((new Date().getUTCHours() + offset) % 24).padStart(2, '0')}:00`
    const child = supernode(['--schedule', `${hour(2)}-${hour(3)}`, '--time-zone', 'UTC'])
    expect(await child.event('state')).to.deep.include({ state: 'paused', why: ['schedule'], untilMs: Math.ceil(Date.now() / 3_600_000 + 1) * 3_600_000 })
    expect(await (await hidden()).reserveRelay({ timeoutMs: 1_000 }).catch(error => error)).to.have.property('name', 'RelayUnavailableError')
  })

  it('answers nobody without the token, which only its owner can read, and takes it away at the end', async () => {
    const child = supernode()
    await child.event('listening')
    const path = join(folder, 'control.json')
    expect((await stat(path)).mode & 0o777).to.equal(0o600)
    const { url, token } = JSON.parse(await readFile(path, 'utf8'))
    expect((await fetch(`${url}/status`)).status).to.equal(401)
    expect((await fetch(`${url}/drain`, { method: 'POST', headers: { authorization: `Bearer ${String(token).slice(1)}0` } })).status).to.equal(401)
    expect((await fetch(`${url}/status`, { headers: { authorization: `Bearer ${token}` } })).status).to.equal(200)
    child.kill('SIGTERM')
    expect((await child.exit()).code).to.equal(0)
    const asked = skein(['supernode', 'status', '--data', folder])
    expect((await asked.exit()).code).to.equal(1)
    expect(asked.events[0]).to.include({ event: 'error', name: 'SuperNodeNotRunningError' })
    // as one leaves it that was killed, whose port is nobody's now
    await writeFile(path, JSON.stringify({ url, token }))
    const again = skein(['supernode', 'drain', '--data', folder])
    expect((await again.exit()).code).to.equal(1)
    expect(again.stderr).to.include('No super-node runs with the data folder')
  })

  it('prints its state and status in plain words', async () => {
    const child = supernode()
    await child.event('listening')
    const { spawnSync } = await import('node:child_process')
    const bin = new URL('../src/bin/skein.ts', import.meta.url).pathname
    const { stdout } = spawnSync(process.execPath, ['--conditions=skein-source', bin, 'supernode', 'status', '--data', folder], { encoding: 'utf8' })
    expect(stdout).to.match(/^state +candidate: relays with some of its places, and is not elected \(yet\) \(for 0 min\)$/m)
    expect(stdout).to.match(/^today +[\d.]+ k?B of 10 GB \([\de.-]+%\), \d{4}-\d\d-\d\d$/m)
    expect(stdout).to.match(/^reservations +0 of 32$/m)
    expect(stdout).to.match(/^seat +none so far$/m)
  })

  it('does not start with a wrong option: status 2', async () => {
    for (const [args, message] of [
      [['--per-day', 'lots'], /--per-day lots: expected an amount such as 10GB/],
      [['--schedule', 'weekends'], /--schedule weekends: expected windows of the week/],
      [['--cpu', '0'], /--cpu 0: expected a share/],
      [['--quota', '1GB'], /unknown option '--quota'/]
    ] as const) {
      const child = supernode([...args])
      expect((await child.exit()).code).to.equal(2)
      expect(child.stderr).to.match(message)
    }
  })
})
