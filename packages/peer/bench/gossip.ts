/**
 * `npm run bench -- gossip`: processor time and bytes of a delivery over GossipSub, nodes in one process, each connected to four others, in one
 * topic; with the configuration of the house, and with the defaults of `@libp2p/gossipsub` (of which the scores that break loopback are turned off).
 */
import { gossipsub } from '@libp2p/gossipsub'
import { connect, GossipMesh, until } from '../test/gossip/gossip-mesh.ts'
import type { GossipNode, NodeInit } from '../test/gossip/gossip-mesh.ts'

const ROUNDS = 3
const NODES = 16
const MESSAGES = 300
const INTERVAL_MS = 50
const MESSAGE_BYTES = 200

interface Measured {
  cpuMs: number
  receivedBytes: number
  share: number
}

interface Result {
  name: string
  value: number
  unit: string
  better: 'lower' | 'higher'
}

const CONFIGURATIONS: Record<string, NodeInit> = {
  gossip: {},
  'default gossipsub': {
    pubsub: gossipsub({ allowPublishToZeroTopicPeers: true, floodPublish: false, scoreParams: { IPColocationFactorWeight: 0 } })
  }
}

const results: Result[] = []
const rounds: Record<string, Measured[]> = {}
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, init] of Object.entries(CONFIGURATIONS)) {
    (rounds[name] ??= []).push(await measure(init))
  }
}
for (const [name, measured] of Object.entries(rounds)) {
  const medianOf = (what: keyof Measured): number => median(measured.map(values => values[what]))
  report({ name: `${name}: processor time of a delivery`, value: medianOf('cpuMs'), unit: 'ms', better: 'lower' })
  report({ name: `${name}: payload received for a delivery of ${MESSAGE_BYTES} bytes`, value: medianOf('receivedBytes'), unit: 'B', better: 'lower' })
  report({ name: `${name}: deliveries`, value: medianOf('share') * 100, unit: '%', better: 'higher' })
}
console.log(JSON.stringify({ bench: 'gossip', results }))

async function measure (init: NodeInit): Promise<Measured> {
  const mesh = new GossipMesh()
  const nodes = await mesh.addMany(NODES, init)
  await Promise.all(nodes.flatMap((node, i) => [1, 3].map(async step => { await connect(node, nodes[(i + step) % NODES] as GossipNode) })))
  await until('all are in the mesh', () => nodes.every(({ topic }) => topic.neighbours.length >= 4))
  const received = (): number => nodes.reduce((sum, { topics }) => sum + topics.counters.received_bytes_total, 0)
  const cpu = process.cpuUsage()
  for (let i = 0; i < MESSAGES; i++) {
    await nodes[i % NODES]?.topic.publish(crypto.getRandomValues(new Uint8Array(MESSAGE_BYTES)))
    await new Promise(resolve => setTimeout(resolve, INTERVAL_MS))
  }
  await new Promise(resolve => setTimeout(resolve, 2_000))
  const { user, system } = process.cpuUsage(cpu)
  const deliveries = nodes.reduce((sum, { heard }) => sum + heard.length, 0)
  await mesh.stop()
  return { cpuMs: (user + system) / 1_000 / deliveries, receivedBytes: received() / deliveries, share: deliveries / (MESSAGES * (NODES - 1)) }
}

function report (result: Result): void {
  const rounded = { ...result, value: Number(result.value.toPrecision(4)) }
  results.push(rounded)
  console.log(`${rounded.name}: ${rounded.value} ${rounded.unit}`)
}

function median (values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? NaN
}
