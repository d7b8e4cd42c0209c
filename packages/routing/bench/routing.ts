/**
 * Model routing against kad-dht's provider records in the same network, and against hyperdht on the same workload:
 * 50 nodes in one process over loopback, 20 models with 3 providers each, lookups by nodes that hold none of the offers.
 *
 * `npm run bench -- routing`. The last line is one JSON object. `--quick` runs a smaller workload.
 */
import { randomBelow, SeededRandom, shuffle } from '@skein/core'
import { sha256 } from '@noble/hashes/sha2.js'
import { multiaddr } from '@multiformats/multiaddr'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import { createRoutingNode, stopAll } from '../test/libp2p-network.ts'
import { createHyperNetwork } from './hyperdht-network.ts'
import type { RoutingNode } from '../test/libp2p-network.ts'

const quick = process.argv.includes('--quick')
const NODES = 50
const MODELS = quick ? 6 : 20
const PROVIDERS = 3
const ROUNDS = quick ? 2 : 3
const COLD = quick ? 3 : 7
const BYTE_PROTOCOL = '/bench/byte/1.0.0'
const random = new SeededRandom(20_26)

interface Sample {
  firstMs: number
  completeMs: number
  found: number
}

interface Batch {
  samples: Sample[]
  cpuSeconds: number
}

/** What is compared: how a system announces and looks up, node by node. */
interface System {
  name: string
  announce: (node: number, model: string) => Promise<void>
  /** Walks to the end; calls `onFound` for each provider */
  find: (node: number, model: string, onFound: () => boolean) => Promise<void>
  holds: (node: number, model: string) => Promise<boolean>
}

const wait = async (ms: number): Promise<void> => { await new Promise(resolve => setTimeout(resolve, ms)) }

function median (values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  return low === undefined || high === undefined ? NaN : (low + high) / 2
}

function cpuSeconds (since?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1e6
}

function providersOf (model: string): number[] {
  const chosen = new SeededRandom(Buffer.from(sha256(Buffer.from(model))).readUInt32BE(0))
  return shuffle(chosen, Array.from({ length: NODES }, (_, i) => i)).slice(0, PROVIDERS)
}

async function measureAnnounce (system: System, models: string[]): Promise<{ ms: number[], cpuSeconds: number }> {
  const ms: number[] = []
  const cpu = process.cpuUsage()
  for (const model of models) {
    for (const provider of providersOf(model)) {
      const startMs = performance.now()
      await system.announce(provider, model)
      ms.push(performance.now() - startMs)
    }
  }
  return { ms, cpuSeconds: cpuSeconds(cpu) }
}

async function requesterOf (system: System, model: string, taken: Set<string>): Promise<number> {
  for (;;) {
    const node = randomBelow(random, NODES)
    if (!taken.has(`${node} ${model}`) && !providersOf(model).includes(node) && !await system.holds(node, model)) {
      taken.add(`${node} ${model}`)
      return node
    }
  }
}

/** One lookup of each model, each by a node that has not looked it up before and holds nothing of it. */
async function measureLookups (system: System, models: string[], taken: Set<string>, stopAtFirst = false): Promise<Batch> {
  const requesters: number[] = []
  for (const model of models) {
    requesters.push(await requesterOf(system, model, taken))
  }
  const samples: Sample[] = []
  const cpu = process.cpuUsage()
  for (const [i, model] of models.entries()) {
    const startMs = performance.now()
    let firstMs = NaN
    let found = 0
    await system.find(requesters[i] as number, model, () => {
      if (found++ === 0) {
        firstMs = performance.now() - startMs
      }
      return !stopAtFirst
    })
    samples.push({ firstMs, completeMs: performance.now() - startMs, found })
  }
  return { samples, cpuSeconds: cpuSeconds(cpu) }
}

async function createNetwork (): Promise<RoutingNode[]> {
  const nodes: RoutingNode[] = []
  for (let i = 0; i < NODES; i++) {
    // what was found is not remembered, so that each lookup is one
    const node = await createRoutingNode({ cache: false, requestsPerSecond: 1e6, requestBurst: 1e6 })
    await node.handle(BYTE_PROTOCOL, stream => {
      stream.addEventListener('message', event => {
        stream.send(event.data)
        void stream.close()
      })
    }, { maxInboundStreams: 256 })
    if (nodes[0] !== undefined) {
      await node.dial(nodes[0].getMultiaddrs())
    }
    nodes.push(node)
  }
  // every pair connected, so that no system dials while it is measured warm
  for (const [i, node] of nodes.entries()) {
    await Promise.all(nodes.slice(0, i).map(async other => {
      if (node.getConnections(other.peerId).length === 0) {
        await node.dial(other.getMultiaddrs())
      }
    }))
  }
  // kad-dht's first self-queries, and what they cause, are over when the tables stop growing and the process is idle
  for (let i = 0, size = 0; i < 60; i++) {
    const cpu = process.cpuUsage()
    await wait(1000)
    const tables = nodes.reduce((sum, node) => sum + node.services.routing.gauges().contacts, 0)
    if (i > 5 && tables === size && cpuSeconds(cpu) < 0.15) {
      break
    }
    size = tables
  }
  return nodes
}

function cidOf (model: string): CID {
  return CID.createV1(0x55, Digest.create(0x12, sha256(new TextEncoder().encode(model))))
}

function kadSystem (nodes: RoutingNode[]): System {
  return {
    name: 'kad-dht',
    announce: async (node, model) => {
      for await (const _ of (nodes[node] as RoutingNode).services.dht.provide(cidOf(model))) {
        // until it is done
      }
    },
    find: async (node, model, onFound) => {
      const seen = new Set<string>()
      for await (const event of (nodes[node] as RoutingNode).services.dht.findProviders(cidOf(model))) {
        if (event.name === 'PROVIDER') {
          for (const { id } of event.providers) {
            if (!seen.has(id.toString())) {
              seen.add(id.toString())
              if (!onFound()) {
                return
              }
            }
          }
        }
      }
    },
    holds: async (node, model) => {
      const { providers } = (nodes[node] as RoutingNode).services.dht as unknown as { providers: { getProviders (cid: CID): Promise<unknown[]> } }
      return (await providers.getProviders(cidOf(model))).length > 0
    }
  }
}

function skeinSystem (nodes: RoutingNode[], region: string): System {
  return {
    name: region === '' ? 'skein' : 'skein with a region',
    announce: async (node, model) => { await (nodes[node] as RoutingNode).services.routing.announce({ model, region }) },
    find: async (node, model, onFound) => {
      for await (const _ of (nodes[node] as RoutingNode).services.routing.findModel(model, { region })) {
        if (!onFound()) {
          return
        }
      }
    },
    holds: async (node, model) => {
      const { routing } = (nodes[node] as RoutingNode).services
      return routing.holds(model) || routing.holds(model, region)
    }
  }
}

/** A new peer: from before it is made until one byte has come back from a provider that it found. */
async function coldStart (nodes: RoutingNode[], model: string, kind: 'skein' | 'kad-dht'): Promise<number> {
  const bootstrap = (nodes[randomBelow(random, NODES)] as RoutingNode).getMultiaddrs()
  const startMs = performance.now()
  const node = await createRoutingNode()
  try {
    await node.dial(bootstrap)
    let addresses
    if (kind === 'skein') {
      for await (const { offer } of node.services.routing.findModel(model)) {
        addresses = offer.addresses.map(address => multiaddr(address))
        break
      }
    } else {
      for await (const event of node.services.dht.findProviders(cidOf(model))) {
        const provider = event.name === 'PROVIDER' ? event.providers[0] : undefined
        if (provider !== undefined) {
          addresses = provider.multiaddrs.length > 0 ? provider.multiaddrs.map(address => address.encapsulate(`/p2p/${provider.id}`)) : provider.id
          break
        }
      }
    }
    if (addresses === undefined) {
      throw new Error(`${kind}: nothing found`)
    }
    const stream = await node.dialProtocol(addresses, BYTE_PROTOCOL)
    stream.send(new Uint8Array([1]))
    for await (const _ of stream) {
      break
    }
    return performance.now() - startMs
  } finally {
    await node.stop()
  }
}

interface Figures {
  firstMs: number
  completeMs: number
  cpuPerLookup: number
  announceMs: number
  cpuPerAnnounce: number
  found: number
  coldMs: number
}

function figures (batches: Batch[], announce: { ms: number[], cpuSeconds: number }, cold: number[]): Figures {
  const samples = batches.flatMap(batch => batch.samples)
  return {
    firstMs: median(samples.map(({ firstMs }) => firstMs)),
    completeMs: median(samples.map(({ completeMs }) => completeMs)),
    cpuPerLookup: median(batches.map(batch => batch.cpuSeconds / batch.samples.length)),
    announceMs: median(announce.ms),
    cpuPerAnnounce: announce.cpuSeconds / announce.ms.length,
    found: samples.reduce((sum, { found }) => sum + found, 0) / samples.length,
    coldMs: median(cold)
  }
}

function show (name: string, all: Figures): void {
  console.log([
    `${name.padEnd(20)} first ${all.firstMs.toFixed(2)} ms`,
    `complete ${all.completeMs.toFixed(2)} ms, ${(all.cpuPerLookup * 1000).toFixed(2)} CPU-ms`,
    `announce ${all.announceMs.toFixed(2)} ms, ${(all.cpuPerAnnounce * 1000).toFixed(2)} CPU-ms`,
    `found ${all.found.toFixed(2)} of ${PROVIDERS}`,
    `cold ${all.coldMs.toFixed(1)} ms`
  ].join(' · '))
}

async function main (): Promise<void> {
  const models = Array.from({ length: MODELS }, (_, i) => `model-${i}`)
  const regional = models.map(model => `regional-${model}`)
  const warmUp = Array.from({ length: 10 }, (_, i) => `warm-up-${i}`)

  const nodes = await createNetwork()
  console.log(`${NODES} nodes, ${(nodes.reduce((sum, node) => sum + node.services.routing.gauges().contacts, 0) / NODES).toFixed(1)} contacts and ` +
    `${(nodes.reduce((sum, node) => sum + node.getConnections().length, 0) / NODES).toFixed(1)} connections each`)

  const systems = { kad: kadSystem(nodes), skein: skeinSystem(nodes, ''), regional: skeinSystem(nodes, 'eu-west') }
  const taken = { kad: new Set<string>(), skein: new Set<string>(), regional: new Set<string>() }
  const announced = {} as Record<keyof typeof systems, { ms: number[], cpuSeconds: number }>
  const lookups = { kad: [] as Batch[], skein: [] as Batch[], regional: [] as Batch[] }
  const firstOnly = { kad: [] as Batch[], skein: [] as Batch[] }

  for (const kind of ['kad', 'skein', 'regional'] as const) {
    await measureAnnounce(systems[kind], warmUp)
    await measureLookups(systems[kind], warmUp, taken[kind])
  }
  for (const kind of ['kad', 'skein', 'regional'] as const) {
    announced[kind] = await measureAnnounce(systems[kind], kind === 'regional' ? regional : models)
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const kind of ['kad', 'skein', 'regional'] as const) {
      lookups[kind].push(await measureLookups(systems[kind], kind === 'regional' ? regional : models, taken[kind]))
    }
    for (const kind of ['kad', 'skein'] as const) {
      firstOnly[kind].push(await measureLookups(systems[kind], models, taken[kind], true))
    }
  }

  // the same lookup again by a node that remembers
  const remembering = await createRoutingNode()
  await remembering.dial((nodes[0] as RoutingNode).getMultiaddrs())
  const repeated: number[] = []
  for (const model of models) {
    for await (const _ of remembering.services.routing.findModel(model)) {
      // to the end, so that it is remembered
    }
    const startMs = performance.now()
    for await (const _ of remembering.services.routing.findModel(model)) {
      break
    }
    repeated.push(performance.now() - startMs)
  }
  await remembering.stop()

  const cold = { kad: [] as number[], skein: [] as number[] }
  for (let i = 0; i < COLD; i++) {
    const model = models[i % MODELS] as string
    cold.kad.push(await coldStart(nodes, model, 'kad-dht'))
    cold.skein.push(await coldStart(nodes, model, 'skein'))
  }
  const kad = figures(lookups.kad, announced.kad, cold.kad)
  const skein = figures(lookups.skein, announced.skein, cold.skein)
  const withRegion = figures(lookups.regional, announced.regional, [])
  await stopAll(nodes)

  const network = await createHyperNetwork(NODES)
  const system: System = network
  const takenHyper = new Set<string>()
  await measureAnnounce(system, warmUp)
  await measureLookups(system, warmUp, takenHyper)
  const announcedHyper = await measureAnnounce(system, models)
  const hyperBatches: Batch[] = []
  for (let round = 0; round < ROUNDS; round++) {
    hyperBatches.push(await measureLookups(system, models, takenHyper))
  }
  const coldHyper: number[] = []
  for (let i = 0; i < COLD; i++) {
    coldHyper.push(await network.coldStart(models[i % MODELS] as string))
  }
  const hyper = figures(hyperBatches, announcedHyper, coldHyper)
  await network.stop()

  show('skein', skein)
  show('skein with a region', withRegion)
  show('kad-dht', kad)
  show('hyperdht', hyper)

  const cpuFirst = (batches: Batch[]): number => median(batches.map(batch => batch.cpuSeconds / batch.samples.length))
  const ms = (name: string, value: number) => ({ name, value, unit: 'ms', better: 'lower' })
  const cpu = (name: string, value: number) => ({ name, value, unit: 'CPU-s', better: 'lower' })
  const ratio = (name: string, value: number, target?: number) => ({ name, value, unit: 'ratio', target, better: 'lower' })
  const results = [
    ratio('first offer kad-dht ratio', skein.firstMs / kad.firstMs, 0.2),
    ratio('complete kad-dht ratio', skein.completeMs / kad.completeMs, 0.2),
    ratio('cpu per lookup kad-dht ratio', skein.cpuPerLookup / kad.cpuPerLookup, 0.2),
    ratio('cpu per first offer kad-dht ratio', cpuFirst(firstOnly.skein) / cpuFirst(firstOnly.kad), 0.2),
    ratio('announce kad-dht ratio', skein.announceMs / kad.announceMs, 0.2),
    ratio('cpu per announce kad-dht ratio', skein.cpuPerAnnounce / kad.cpuPerAnnounce, 0.2),
    ratio('cold kad-dht ratio', skein.coldMs / kad.coldMs, 0.25),
    ratio('complete with a region kad-dht ratio', withRegion.completeMs / kad.completeMs),
    ratio('cpu per lookup with a region kad-dht ratio', withRegion.cpuPerLookup / kad.cpuPerLookup),
    ratio('first offer hyperdht ratio', skein.firstMs / hyper.firstMs),
    ratio('complete hyperdht ratio', skein.completeMs / hyper.completeMs),
    ratio('cpu per lookup hyperdht ratio', skein.cpuPerLookup / hyper.cpuPerLookup),
    ratio('announce hyperdht ratio', skein.announceMs / hyper.announceMs),
    ratio('cold hyperdht ratio', skein.coldMs / hyper.coldMs),
    ms('first offer', skein.firstMs),
    ms('first offer again, remembered', median(repeated)),
    ms('complete', skein.completeMs),
    cpu('cpu per lookup', skein.cpuPerLookup),
    ms('announce', skein.announceMs),
    ms('announce with a region', withRegion.announceMs),
    ms('first offer with a region', withRegion.firstMs),
    ms('complete with a region', withRegion.completeMs),
    ms('cold', skein.coldMs),
    ms('kad-dht first offer', kad.firstMs),
    ms('kad-dht complete', kad.completeMs),
    cpu('kad-dht cpu per lookup', kad.cpuPerLookup),
    ms('kad-dht announce', kad.announceMs),
    ms('kad-dht cold', kad.coldMs),
    ms('hyperdht first offer', hyper.firstMs),
    ms('hyperdht complete', hyper.completeMs),
    cpu('hyperdht cpu per lookup', hyper.cpuPerLookup),
    ms('hyperdht announce', hyper.announceMs),
    ms('hyperdht cold', hyper.coldMs),
    { name: 'offers found', value: skein.found, unit: 'of 3', target: PROVIDERS, better: 'higher' }
  ]
  console.log(JSON.stringify({ bench: 'routing', results: results.map(result => ({ ...result, value: Number(result.value.toPrecision(4)) })) }))
}

await main()
process.exit(0)
