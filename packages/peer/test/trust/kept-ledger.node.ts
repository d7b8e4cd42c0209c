/** What a peer knows of others, over restarts and a kill -9, and what `skein reputation` shows of it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openReputationStore } from '@skein/reputation/node'
import { expect } from 'chai'
import { createPeer } from '../../src/index.ts'
import type { Peer, PeerInit } from '../../src/index.ts'

const ASK = { model: 'm', messages: [] }
const CHILD = fileURLToPath(new URL('consuming-process.ts', import.meta.url))

describe('the ledger of a peer', function () {
  this.timeout(60_000)
  let folder: string
  let running: Array<{ stop: () => Promise<unknown> }> = []

  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'skein-kept-ledger-')) })
  afterEach(async () => {
    for (const one of running.reverse()) {
      await one.stop()
    }
    running = []
    await rm(folder, { recursive: true, force: true })
  })

  async function start (init: PeerInit = {}): Promise<Peer> {
    const peer = await createPeer({ listen: ['/ip4/127.0.0.1/tcp/0'], ...init })
    running.push(peer)
    return peer
  }

  async function provider (): Promise<Peer> {
    const peer = await start()
    await peer.serve('m', async () => 'x')
    return peer
  }

  interface Known { peer: string, service: string, dealings: number, score: number }

  /** The first line of a consuming process that `tells` accepts; then the process is killed. */
  async function consume (bootstrap: string, requests: number, tells: (known: Known[]) => boolean): Promise<Known[]> {
    const child = spawn(process.execPath, ['--conditions=skein-source', CHILD, folder, bootstrap, String(requests)], { stdio: ['ignore', 'pipe', 'inherit'] })
    const exited = once(child, 'exit')
    running.push({ stop: async () => child.kill('SIGKILL') })
    for await (const line of createInterface({ input: child.stdout })) {
      expect(line).to.match(/^known /)
      const known = JSON.parse(line.slice(6)) as Known[]
      if (tells(known)) {
        await new Promise(resolve => { setTimeout(resolve, 500) }) // for some saves
        child.kill('SIGKILL')
        await exited
        return known
      }
    }
    throw new Error('The process ended')
  }

  it('is there again after a stop, with what can be shown', async () => {
    const server = await provider()
    const first = await start({ dataDir: folder, bootstrap: server.addresses })
    await first.chat(ASK).text()
    await first.stop() // at once: the receipt may still be on its way
    const again = await start({ dataDir: folder })
    expect(again.id).to.equal(first.id)
    expect(again.trust.ledger.dealings(server.id, 'inference')).to.equal(1)
    const [proof] = again.trust.ledger.receiptsWith(server.id, Date.now())
    expect(proof?.receipt).to.deep.include({ outcome: 'complete', consumer: again.id })
    // what was counted is not counted again
    expect(again.trust.ledger.hasSeen(proof!.receipt)).to.equal(true)
  })

  it('is there again after a kill -9', async () => {
    const server = await provider()
    const ofServer = (known: Known[]): Known | undefined => known.find(({ peer, service }) => peer === server.id && service === 'inference')
    const before = await consume(server.addresses[0]!, 5, known => ofServer(known)?.dealings === 5)
    await server.stop()
    const after = await consume('', 0, () => true)
    expect(ofServer(after)?.dealings).to.equal(5)
    expect(ofServer(after)?.score).to.be.closeTo(ofServer(before)!.score, 0.01)
  })

  it('is told of when it is damaged, and what is whole is used', async () => {
    const server = await provider()
    const first = await start({ dataDir: folder, bootstrap: server.addresses })
    await first.chat(ASK).text()
    await first.stop()
    const store = join(folder, 'reputation')
    const log = (await readdir(store)).find(name => name.endsWith('.log'))
    await truncate(join(store, log!), 20)
    const told: string[] = []
    const again = await start({ dataDir: folder, onDamage: what => { told.push(what) } })
    expect(told).to.have.length(1)
    expect(told[0]).to.match(/whom this peer trusts were damaged/)
    expect(again.trust.ledger.dealings(server.id, 'inference')).to.equal(undefined)
  })

  it('does not keep a peer from starting when there can be no store', async () => {
    await writeFile(join(folder, 'reputation'), 'in the way')
    const told: string[] = []
    const peer = await start({ dataDir: folder, onDamage: what => { told.push(what) } })
    expect(told[0]).to.match(/^Whom this peer trusts is not kept: /)
    await peer.stop()
  })

  it('is not kept where reputation is turned off', async () => {
    await (await start({ dataDir: folder, reputation: false })).stop()
    expect(await readdir(folder)).to.not.include('reputation')
  })

  it('is closed by a stop: another program can open it at once', async () => {
    const peer = await start({ dataDir: folder })
    await peer.stop()
    await (await openReputationStore({ path: join(folder, 'reputation') })).close()
  })
})
