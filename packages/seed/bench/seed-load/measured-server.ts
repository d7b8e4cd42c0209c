/** The two servers under load, each in a process of its own: `skein seed` as an operator starts it, and a bare libp2p node. */
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ExchangeTimes } from './exchange-times.ts'
import type { ChildProcess } from 'node:child_process'
import type { Usage } from './load-message.ts'

const SKEIN = fileURLToPath(new URL('../../../cli/src/bin/skein.ts', import.meta.url))
const SEED_OPTIONS = [
  '--listen', '/ip4/127.0.0.1/tcp/0', '--listen', '/ip4/127.0.0.1/tcp/0/ws', '--http', '127.0.0.1:0', '--ephemeral', '--log-level', 'error', '--json'
]

export interface MeasuredServer {
  readonly tcp: string
  readonly ws: string
  usage (): Promise<Usage>
  stop (): Promise<void>
}

export class SeedServer implements MeasuredServer {
  readonly tcp: string
  readonly ws: string
  private readonly http: string
  private readonly child: ChildProcess

  private constructor (child: ChildProcess, addresses: string[], http: string) {
    this.child = child
    this.tcp = addressOf(addresses, false)
    this.ws = addressOf(addresses, true)
    this.http = http
  }

  static async start (): Promise<SeedServer> {
    const child = spawn(process.execPath, ['--conditions=skein-source', SKEIN, 'seed', ...SEED_OPTIONS], { stdio: ['ignore', 'pipe', 'inherit'] })
    for await (const line of createInterface({ input: child.stdout })) {
      const { event, addresses, http } = JSON.parse(line) as { event: string, addresses: string[], http: string }
      if (event === 'listening') {
        child.stdout.resume()
        return new SeedServer(child, addresses, http)
      }
    }
    throw new Error('The seed ended before it listened')
  }

  async usage (): Promise<Usage> {
    const metrics = await this.metrics()
    return { cpuSeconds: metrics.get('process_cpu_seconds_total') ?? NaN, rssBytes: metrics.get('process_resident_memory_bytes') ?? NaN }
  }

  /** Of the exchanges that were answered, since the start. */
  async exchanges (): Promise<ExchangeTimes> {
    return new ExchangeTimes(await this.metrics())
  }

  async connections (): Promise<number> {
    return (await this.metrics()).get('skein_seed_connections{direction="inbound"}') ?? 0
  }

  async stop (): Promise<void> {
    await stop(this.child)
  }

  private async metrics (): Promise<Map<string, number>> {
    const text = await (await fetch(`${this.http}/metrics`)).text()
    return new Map(text.split('\n').filter(line => line !== '' && !line.startsWith('#')).map(line => {
      const at = line.lastIndexOf(' ')
      return [line.slice(0, at), Number(line.slice(at + 1))]
    }))
  }
}

export class BareServer implements MeasuredServer {
  readonly tcp: string
  readonly ws: string
  private readonly child: ChildProcess

  private constructor (child: ChildProcess, addresses: string[]) {
    this.child = child
    this.tcp = addressOf(addresses, false)
    this.ws = addressOf(addresses, true)
  }

  static async start (): Promise<BareServer> {
    const child = fork(new URL('./bare-process.ts', import.meta.url), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    const [{ addresses }] = await once(child, 'message') as [{ addresses: string[] }]
    return new BareServer(child, addresses)
  }

  async usage (): Promise<Usage> {
    const answer = once(this.child, 'message')
    this.child.send('usage')
    return (await answer)[0] as Usage
  }

  async stop (): Promise<void> {
    await stop(this.child)
  }
}

async function stop (child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
}

function addressOf (addresses: string[], ws: boolean): string {
  const found = addresses.find(address => address.includes('/ws/') === ws)
  if (found === undefined) {
    throw new Error(`No ${ws ? 'WebSocket' : 'TCP'} address among ${addresses.join(', ')}`)
  }
  return found
}
