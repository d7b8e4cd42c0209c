/** Machines under the simulated clock: each node pings others twenty times, over measured distances with jitter and loss. */
import { Network, RegionLatency, SimDriver } from '@skein/simulator'
import { randomBelow, TimerTable } from '@skein/core'
import { cpuSeconds } from './cpu.ts'
import type { Machine, Random } from '@skein/core'

interface Ping {
  type: 'ping' | 'pong'
  number: number
}

interface Send {
  to: number
  message: Ping
}

/** Keeps a time-out for each ping, as those do that wait for answers. */
class Pinger implements Machine<Send> {
  answered = 0
  private readonly self: number
  private readonly nodes: number
  private readonly random: Random
  private readonly timers = new TimerTable<number>()
  private readonly effects: Send[] = []

  constructor (self: number, nodes: number, random: Random, nowMs: number) {
    this.self = self
    this.nodes = nodes
    this.random = random
    this.timers.set(0, nowMs + randomBelow(random, 1000))
  }

  onMessage (message: Ping, from: number): void {
    if (message.type === 'ping') {
      this.effects.push({ to: from, message: { type: 'pong', number: message.number } })
    } else {
      this.timers.delete(message.number)
      this.answered++
    }
  }

  onTimeout (nowMs: number): void {
    for (let number = this.timers.popDue(nowMs); number !== undefined; number = this.timers.popDue(nowMs)) {
      if (number < PINGS) {
        const to = (this.self + 1 + randomBelow(this.random, this.nodes - 1)) % this.nodes
        this.effects.push({ to, message: { type: 'ping', number: number + 1000 } })
        this.timers.set(number + 1000, nowMs + 4000)
        this.timers.set(number + 1, nowMs + 1 + randomBelow(this.random, 1000))
      }
    }
  }

  poll (): Send | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.timers.nextMs()
  }
}

const PINGS = 20

export function measureMachines (nodes: number): Record<string, number> {
  const seed = 1
  const start = process.cpuUsage()
  const latency = new RegionLatency({ seed, nodes, access: { fibre: 1, cable: 1, mobile: 1 } })
  const sim = new SimDriver<Send, Pinger, Ping>({
    seed,
    nodes,
    network: new Network({ seed, nodes, latency, jitter: 0.1, lossRate: 0.01 }),
    machine: node => new Pinger(node.index, nodes, node.random, node.nowMs()),
    perform: (node, { to, message }) => { node.send(to, message, 100) },
    deliver: (machine, message, from) => { machine.onMessage(message, from) }
  })
  sim.run(20_000)
  return { perSecond: sim.world.delivered / cpuSeconds(start), rss: process.resourceUsage().maxRSS / 1024 }
}
