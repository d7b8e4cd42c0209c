/**
 * A move between two relay nodes while 4 Mbit/s flow over two links: what a player that follows (`FleetPlayer`) misses and how long it is silent,
 * beside one that calls the new place when it hears of it and leaves the old one then, in the same round.
 *
 * Nodes, control plane, uplink and players are one process. `npm run bench -- fleet-move [--quick]`.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { systemClock, systemRandom } from '@skein/core/system'
import { FleetClient, FleetRequests } from '@skein/fleet'
import { createRelayNode, FleetPlayer, FleetUplink, LOCAL_PLAYER } from '@skein/fleet/media'
import { createControlPlane, issueKey, openStore } from '@skein/fleet/node'
import { connect } from '@skein/srt/node'
import type { RelayPlace, SessionView } from '@skein/fleet'
import type { SrtSocket } from '@skein/srt/node'

const ROUNDS = process.argv.includes('--quick') ? 2 : 7
const PAYLOAD_BYTES = 1_316
const TICK_MS = 10
const PACKETS_A_TICK = 4
const BEFORE_MS = 4_000
const AFTER_MS = 8_000
const POLL_MS = 1_000
const LATENCY_MS = 500
const KEY = 'k'.repeat(32)

/** What came to a player: each packet has its number in it. */
class Heard {
  count = 0
  missed = 0
  twice = 0
  longestSilenceMs = 0
  private next: number | undefined
  private lastMs = performance.now()

  add (packet: Uint8Array): void {
    const number = new DataView(packet.buffer, packet.byteOffset).getUint32(0)
    const nowMs = performance.now()
    if (this.next !== undefined) {
      this.longestSilenceMs = Math.max(this.longestSilenceMs, nowMs - this.lastMs)
      this.missed += Math.max(0, number - this.next)
      this.twice += number < this.next ? 1 : 0
    }
    this.lastMs = nowMs
    this.next = Math.max(this.next ?? 0, number + 1)
    this.count++
  }

  async from (socket: SrtSocket): Promise<void> {
    for (let packet = await socket.read(); packet !== undefined; packet = await socket.read()) {
      this.add(packet)
    }
  }
}

interface Round { followMs: number, follower: Heard, caller: Heard }

const store = await openStore(':memory:')
const relay = { host: '127.0.0.1', srtlaPort: 0, publisherPort: 0, playerPort: 0 }
const nodes = await Promise.all(['us-central', 'eu-west'].map(async region => {
  const node = await createRelayNode({ capacity: 2 * ROUNDS, key: KEY, managePort: 0, relay })
  await store.putNode({
    id: region, region, capacity: 2 * ROUNDS, manageUrl: node.url, manageKey: KEY,
    ingest: { host: '127.0.0.1', port: node.relay.srtlaPort as number }, play: { host: '127.0.0.1', port: node.relay.playerPort }
  })
  return node
}))
await store.putUser({ id: 'ann', maxActive: 100 })
const { key } = await issueKey(store, systemRandom(), { scopes: ['sessions'], userId: 'ann' }, systemClock().nowMs())
const plane = await createControlPlane({ store, port: 0 })
const requests = new FleetRequests({ url: plane.url, key, clock: systemClock() })
const rounds: Round[] = []
for (let slot = 0; slot < ROUNDS; slot++) {
  rounds.push(await moved(slot))
}
await plane.close()
await Promise.all(nodes.map(async node => { await node.close() }))
await store.close()

for (const { followMs, follower, caller } of rounds) {
  console.log(`at the new place after ${followMs.toFixed(0)} ms; the one that follows missed ${follower.missed} of ${follower.count}, ` +
    `${follower.twice} twice, silent for ${follower.longestSilenceMs.toFixed(0)} ms at most; ` +
    `the one that calls missed ${caller.missed}, ${caller.twice} twice, silent for ${caller.longestSilenceMs.toFixed(0)} ms`)
}
const lower = (name: string, unit: string, of: (round: Round) => number, target?: number): object =>
  ({ name, value: Math.round(median(rounds.map(of))), unit, ...target === undefined ? {} : { target }, better: 'lower' })
console.log(JSON.stringify({
  bench: 'fleet-move',
  results: [
    lower('packets missed by a player that follows', 'packets', ({ follower }) => follower.missed, 0),
    lower('packets twice at a player that follows', 'packets', ({ follower }) => follower.twice, 0),
    lower('packets missed or twice at a player that calls', 'packets', ({ caller }) => caller.missed + caller.twice),
    lower('longest silence of a player that follows', 'ms', ({ follower }) => follower.longestSilenceMs),
    lower('longest silence of a player that calls', 'ms', ({ caller }) => caller.longestSilenceMs),
    lower('from asking for the move to playing from the new place', 'ms', ({ followMs }) => followMs)
  ]
}))

/** One slot: played by both from before its move to after. */
async function moved (slot: number): Promise<Round> {
  const client = await FleetClient.open({ url: plane.url, key })
  const uplink = await FleetUplink.open({ port: 0, links: ['127.0.0.2', '127.0.0.3'] })
  client.addEventListener('connection:changed', ({ detail }) => { uplink.follow(detail.session) })
  const up = new Promise(resolve => { uplink.addEventListener('uplink:up', resolve, { once: true }) })
  await client.add({ slot, region: 'us-central' })
  await up
  const encoder = await connect({ port: uplink.port, latencyMs: 50 })
  const player = await FleetPlayer.open({ url: plane.url, key, slot, port: 0, latencyMs: LATENCY_MS, pollMs: POLL_MS })
  const [follower, caller] = [new Heard(), new Heard()]
  const viewer = await connect({ port: player.port, streamId: LOCAL_PLAYER, latencyMs: 20 })
  void follower.from(viewer).catch(() => {})
  const calling = call(slot, caller)

  const sending = send(encoder)
  await pause(BEFORE_MS)
  const askedMs = performance.now()
  const switched = new Promise<number>(resolve => {
    player.addEventListener('source:switched', ({ detail }) => {
      if (detail.region === 'eu-west') {
        resolve(performance.now() - askedMs)
      }
    })
  })
  await client.move(slot, 'eu-west')
  const followMs = await switched
  await pause(AFTER_MS)
  sending.stop()
  await sending.ended
  await pause(2 * LATENCY_MS)
  calling.stop()
  await calling.ended
  viewer.abort()
  await player.stop()
  encoder.abort()
  await uplink.stop()
  await client.remove(slot)
  await client.settled()
  await client.close()
  return { followMs, follower, caller }
}

function send (encoder: SrtSocket): { stop: () => void, ended: Promise<void> } {
  let isRunning = true
  const run = async (): Promise<void> => {
    const startMs = performance.now()
    for (let number = 0; isRunning;) {
      const due = Math.floor((performance.now() - startMs) / TICK_MS) * PACKETS_A_TICK
      for (; number < due; number++) {
        const payload = new Uint8Array(PAYLOAD_BYTES)
        new DataView(payload.buffer).setUint32(0, number)
        await encoder.write(payload)
      }
      await pause(TICK_MS)
    }
  }
  return { stop: () => { isRunning = false }, ended: run() }
}

/** A player that knows nothing of copies: when the place has changed it calls the new one, and leaves the old one. */
function call (slot: number, heard: Heard): { stop: () => void, ended: Promise<void> } {
  let isRunning = true
  const run = async (): Promise<void> => {
    let at: { place: RelayPlace, socket: SrtSocket } | undefined
    while (isRunning) {
      const { sessions } = await requests.ask<{ sessions: SessionView[] }>('GET', '/v1/sessions')
      const session = sessions.find(session => session.slot === slot)
      const place = session?.place
      if (session !== undefined && place !== undefined && at?.place.instanceId !== place.instanceId) {
        at?.socket.abort()
        const socket = await connect({ port: place.playPort, streamId: session.playId, latencyMs: LATENCY_MS })
        at = { place, socket }
        void heard.from(socket).catch(() => {})
      }
      await pause(POLL_MS)
    }
    at?.socket.abort()
  }
  return { stop: () => { isRunning = false }, ended: run() }
}

function median (values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] as number
}
