import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '@skein/core/system'
import { HttpNodeAgent } from '@skein/fleet'
import { createRelayNode, FleetUplink } from '@skein/fleet/media'
import { createControlPlane, issueKey, openStore } from '@skein/fleet/node'
import { connect } from '@skein/srt/node'
import { expect } from 'chai'
import { SeededRandom } from '@skein/core'
import type { FleetStore, SessionView } from '@skein/fleet'
import type { RelayNode } from '@skein/fleet/media'
import type { ControlPlane } from '@skein/fleet/node'
import type { SrtSocket } from '@skein/srt/node'

const KEY = 'k'.repeat(32)
const PAYLOAD_BYTES = 1_316
const PATIENCE_MS = 30_000

async function until (what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = Date.now() + PATIENCE_MS
  while (!await holds()) {
    if (Date.now() > endMs) {
      throw new Error(`Not within ${PATIENCE_MS} ms: ${what}`)
    }
    await pause(50)
  }
}

describe('A relay node of the fleet', function () {
  this.timeout(90_000)
  let node: RelayNode
  let agent: HttpNodeAgent
  const sockets: SrtSocket[] = []

  beforeEach(async () => {
    node = await createRelayNode({
      capacity: 2, key: KEY, managePort: 0, relay: { host: '127.0.0.1', srtlaPort: 0, publisherPort: 0, playerPort: 0 }
    })
    agent = new HttpNodeAgent({ url: node.url, key: KEY, clock: systemClock() })
  })
  afterEach(async () => {
    for (const socket of sockets.splice(0)) {
      socket.abort()
    }
    await node.close()
  })

  async function publish (streamId: string): Promise<SrtSocket> {
    const socket = await connect({ port: node.relay.publisherPort, streamId })
    sockets.push(socket)
    return socket
  }

  async function play (streamId: string): Promise<SrtSocket> {
    const socket = await connect({ port: node.relay.playerPort, streamId })
    sockets.push(socket)
    return socket
  }

  async function refusal (calling: Promise<SrtSocket>): Promise<string> {
    return await calling.then(() => 'let in', (error: { reason?: string, message: string }) => String(error.reason ?? error.message))
  }

  const TOKEN = 'abcdefghijklmnop'

  it('lets in the tokens that the control plane has admitted, each for its own use, and nobody else', async () => {
    expect(await refusal(publish(`live_${TOKEN}`))).to.equal('not-found')
    expect(await refusal(play(`play_${TOKEN}`))).to.equal('not-found')
    await agent.admit({ sessionId: 's1', streamToken: TOKEN, fence: 1 })
    const player = await play(`play_${TOKEN}`)
    const publisher = await publish(`live_${TOKEN}`)
    await publisher.write(new Uint8Array(PAYLOAD_BYTES).fill(7))
    expect((await player.read())?.length).to.equal(PAYLOAD_BYTES)
    expect(await refusal(publish('live_somebodyelses00'))).to.equal('not-found')
    expect(await refusal(publish(`play_${TOKEN}`))).to.equal('bad-mode')
    expect(await refusal(publish(`live_${TOKEN}`))).to.equal('conflict')
    expect(node.relay.apiUrl, 'nobody else can admit any').to.equal('')
  })

  it('ends the connections of a session that is called off, and lets nobody in by its token any more', async () => {
    await agent.admit({ sessionId: 's1', streamToken: TOKEN, fence: 1 })
    const [player, publisher] = [await play(`play_${TOKEN}`), await publish(`live_${TOKEN}`)]
    await agent.revoke({ sessionId: 's1', fence: 2 })
    await until('both are closed', () => !player.isOpen && !publisher.isOpen)
    expect(await refusal(publish(`live_${TOKEN}`))).to.equal('not-found')
    expect((await agent.statistics()).streams).to.deep.equal([])
    expect(await agent.admit({ sessionId: 's1', streamToken: TOKEN, fence: 1 }).catch((error: { reason: string }) => error.reason)).to.equal('stale_fence')
    expect(await refusal(publish(`live_${TOKEN}`))).to.equal('not-found')
  })

  it('keeps whom it has while it is drained, and takes nobody new', async () => {
    await agent.admit({ sessionId: 's1', streamToken: TOKEN, fence: 1 })
    await agent.drain(true)
    expect(await agent.admit({ sessionId: 's2', streamToken: `${TOKEN}2`, fence: 1 }).catch((error: { reason: string }) => error.reason)).to.equal('draining')
    await publish(`live_${TOKEN}`)
    expect(await agent.health()).to.include({ draining: true })
  })

  it('tells what a stream over two links carries, and what it takes of its machine', async () => {
    await agent.admit({ sessionId: 's1', streamToken: TOKEN, fence: 3 })
    expect((await agent.statistics()).streams[0]).to.deep.equal({
      sessionId: 's1', fence: 3, live: false, bitrateBps: 0, rttMs: 0, lossShare: 0, latencyMs: 0, links: []
    })
    const uplink = await FleetUplink.open({ port: 0, links: ['127.0.0.2', '127.0.0.3'], latencyMs: 1_200 })
    try {
      uplink.follow(sessionAt(node, TOKEN))
      const encoder = await connect({ port: uplink.port })
      sockets.push(encoder)
      const payload = new Uint8Array(PAYLOAD_BYTES)
      await until('it is live, over both links', async () => {
        encoder.writeNow(payload)
        const { streams: [stream] } = await agent.statistics()
        return stream?.live === true && stream.links.length === 2 && stream.links.some(({ bytes }) => bytes > 10 * PAYLOAD_BYTES)
      })
      const { streams: [stream], bytes, cpuShare, memoryShare, lossShare } = await agent.statistics()
      expect(stream).to.include({ sessionId: 's1', latencyMs: 1_200, lossShare: 0 })
      expect(stream?.bitrateBps).to.be.above(0)
      expect(stream?.links.map(({ address }) => address.split(':')[0]).sort()).to.deep.equal(['127.0.0.2', '127.0.0.3'])
      expect(bytes).to.be.above(10 * PAYLOAD_BYTES)
      expect(cpuShare).to.be.within(0, 1)
      expect(memoryShare).to.be.within(0.001, 1)
      expect(lossShare).to.equal(0)
    } finally {
      await uplink.stop()
    }
  })

  it('is given nothing more when it has carried 90 % of its month, of which it warns at 70 %', async () => {
    const store: FleetStore = await openStore(':memory:')
    const alarms: string[] = []
    let plane: ControlPlane | undefined
    try {
      plane = await createControlPlane({ store, port: 0, pollMs: 100, onBudget: (_node, { state }) => { alarms.push(state) } })
      await store.putNode({
        id: 'kc1', region: 'us-central', capacity: 2, ingest: { host: '127.0.0.1', port: 5_000 }, play: { host: '127.0.0.1', port: 4_000 },
        manageUrl: node.url, manageKey: KEY, monthLimitBytes: 2_000_000
      })
      const { key } = await issueKey(store, new SeededRandom(1), { scopes: ['sessions'], userId: 'ann' }, systemClock().nowMs())
      const start = async (slot: number): Promise<SessionView> => await (await fetch(`${plane?.url}/v1/sessions`, {
        method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ slot })
      })).json() as SessionView
      const { publishId } = await start(1)
      await until('it is admitted', () => node.admissions.list().length === 1)
      const publisher = await publish(publishId)
      const payload = new Uint8Array(PAYLOAD_BYTES)
      await until('it is at its limit', async () => {
        for (let packets = 0; packets < 20; packets++) {
          publisher.writeNow(payload)
        }
        return alarms.includes('stop')
      })
      expect(alarms).to.deep.equal(['warn', 'stop'])
      const second = await start(2)
      await until('the second is refused', async () => (await store.session(second.id))?.endReason === 'failed')
      expect((await store.session(second.id))?.failure).to.contain('over their budget')
      expect(publisher.isOpen, 'the first goes on').to.equal(true)
    } finally {
      await plane?.close()
      await store.close()
    }
  })
})

function sessionAt ({ relay }: RelayNode, token: string): SessionView {
  return {
    id: 's1', slot: 1, name: 'k7mx2p9a', state: 'active', steps: [], leaseRemainingMs: 300_000, heartbeatMs: 30_000,
    publishId: `live_${token}`, playId: `play_${token}`,
    place: {
      instanceId: 'kc1', region: 'us-central', ingestHost: '127.0.0.1', ingestPort: relay.srtlaPort as number, playHost: '127.0.0.1',
      playPort: relay.playerPort
    }
  }
}
