/** A peer that was in the mesh once comes back without a seed: from its address tables, with real nodes and on disk. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createPeer } from '@skein/peer'
import { expect } from 'chai'
import { createTestnet } from '../src/index.ts'
import { eventually } from '../../core/test/eventually.ts'
import type { Peer } from '@skein/peer'
import type { Testnet } from '../src/index.ts'

const CHILD = fileURLToPath(new URL('peer-process.ts', import.meta.url))
const listen = ['/ip4/127.0.0.1/tcp/0']

describe('a peer that restarts while no seed can be reached', function () {
  this.timeout(60_000)
  let dataDir: string
  let net: Testnet
  let back: Peer | undefined

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'skein-restart-'))
    net = await createTestnet({ seeds: 1, peers: 5 })
    await net.peers[2]?.serve('m', async () => 'still here')
  })

  afterEach(async () => {
    await back?.stop()
    back = undefined
    await net.stop()
    await rm(dataDir, { recursive: true })
  })

  async function isBack (): Promise<void> {
    await Promise.all(net.seeds.map(async seed => { await seed.stop() }))
    const seed = net.seeds[0]?.id
    back = await createPeer({ dataDir, listen })
    await eventually(() => (back as Peer).libp2p.getPeers().filter(peer => peer.toString() !== seed).length >= 3)
    expect((await Array.fromAsync(back.findModel('m'))).map(({ peer }) => peer)).to.deep.equal([net.peers[2]?.id])
    expect(await back.chat({ model: 'm', messages: [] }).text()).to.equal('still here')
  }

  it('is in the mesh again when it was stopped', async () => {
    const first = await net.addPeer({ dataDir })
    await eventually(() => first.libp2p.getPeers().length >= 4)
    await first.stop()
    await isBack()
  })

  it('is in the mesh again when it was killed', async () => {
    const child = spawn(process.execPath, ['--conditions=skein-source', CHILD, dataDir, ...net.bootstrap], { stdio: ['ignore', 'pipe', 'inherit'] })
    const exited = once(child, 'exit')
    try {
      for await (const line of createInterface({ input: child.stdout })) {
        if (Number(line) >= 4) {
          break
        }
      }
    } finally {
      child.kill('SIGKILL')
      expect((await exited)[1]).to.equal('SIGKILL')
    }
    await isBack()
  })
})
