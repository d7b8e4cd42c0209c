/** A world of machines for tests, with all that can happen to messages and nodes: what each node hears must not depend on the threads. */
import {
  createClockSkew, createWorldChurn, NatModel, Network, RegionLatency, SimDriver, weibull
} from '../../../src/index.ts'
import { ToyMachine } from '../toy-machine.ts'
import type { MachineModel, ModelContext } from '../../../src/index.ts'
import type { ToyEffect, ToyMessage } from '../toy-machine.ts'

export interface ToyOptions {
  nodes: number
  delivery: 'datagram' | 'stream'
}

export function createToyWorld (seed: number, options: ToyOptions, thread: ModelContext<ToyOptions>['thread']): SimDriver<ToyEffect, ToyMachine, ToyMessage> {
  const { nodes, delivery } = options
  const churn = createWorldChurn(seed, { on: weibull(0.6, 2000), off: weibull(0.6, 500) }, node => node % 3 === 0)
  const sim: SimDriver<ToyEffect, ToyMachine, ToyMessage> = new SimDriver<ToyEffect, ToyMachine, ToyMessage>({
    ...thread,
    seed,
    nodes,
    network: new Network({
      seed,
      nodes,
      delivery,
      latency: new RegionLatency({ seed, nodes, regions: { 'eu-west': 1, 'eu-central': 1, 'us-east': 1 }, access: { fibre: 1, cable: 1 } }),
      jitter: 0.2,
      lossRate: 0.05,
      duplicateRate: 0.05,
      reorderRate: 0.1,
      upBytesPerSecond: node => 20_000 + node * 100,
      downBytesPerSecond: node => 30_000 + node * 100,
      partitions: [{ fromMs: 500, untilMs: 900, a: node => node % 2 === 0, blocks: 'a-to-b' }],
      nat: new NatModel({ seed, nodes, mix: { public: 1, 'port-restricted': 2, 'symmetric-random': 1 } })
    }),
    clockSkew: createClockSkew(seed, { maxOffsetMs: 1000, maxDriftPpm: 50 }),
    startsUp: churn.startsUp,
    connectTimeoutMs: 1000,
    digest: message => message.number,
    machine: node => new ToyMachine(node.index, nodes, node.random, node.nowMs()),
    perform: (node, effect) => {
      if (effect.type === 'send') {
        node.send(effect.to, effect.message, 300)
        if (effect.message.number % 4 === 0) {
          node.connect(effect.to, outcome => { node.note(outcome.type === 'failed' ? 0 : ['direct', 'punched', 'relayed'].indexOf(outcome.path) + 1) })
        }
      } else {
        node.note(effect.number)
      }
    },
    deliver: (machine, message, from, nowMs) => { machine.onMessage(message, from, nowMs) }
  })
  churn.begin(sim.world)
  return sim
}

export function createModel ({ seed, options, thread }: ModelContext<ToyOptions>): MachineModel {
  const sim = createToyWorld(seed, options, thread)
  return {
    world: sim.world,
    codec: {
      encode: (message: ToyMessage) => Uint8Array.of(message.type === 'ping' ? 0 : 1, message.number, message.number >>> 8),
      decode: bytes => ({ type: bytes[0] === 0 ? 'ping' : 'pong', number: (bytes[1] as number) + 256 * (bytes[2] as number) })
    },
    result: node => [...sim.node(node).host?.machine.heard ?? []],
    totals: () => ({ sent: sim.world.sent, delivered: sim.world.delivered })
  }
}

export function createMeddling (context: ModelContext<ToyOptions>): MachineModel {
  const model = createModel(context)
  model.world.at(100, 1, () => { model.world.send(2, 1, { type: 'ping', number: 1 }, 1) })
  return model
}
