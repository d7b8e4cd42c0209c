/** A process that is many clients: `clients-process.ts COUNT`, ordered by its parent. */
import { setTimeout as pause } from 'node:timers/promises'
import { randomBelow } from '@skein/core'
import { systemRandom } from '@skein/core/system'
import { LoadClient } from './load-client.ts'
import { emptyOutcome } from './load-message.ts'
import type { ClientsOrder, Outcome } from './load-message.ts'

/** Connecting at once, in this process. */
const JOINING = 32
const MAX_TRIES = 20
/** One question in 10 s is allowed; the rest is for the clocks of two processes. */
const DISCOVER_EVERY_MS = 10_050
const LOOK_EVERY_MS = 50

const random = systemRandom()
const clients: LoadClient[] = []
for (let i = 0; i < Number(process.argv[2]); i++) {
  clients.push(await LoadClient.start(random))
}
process.on('message', (order: ClientsOrder) => { void obey(order).then(outcome => { process.send?.(outcome) }) })
process.on('disconnect', () => { process.exit() })
process.send?.('ready')

async function obey (order: ClientsOrder): Promise<Outcome> {
  const outcome = emptyOutcome()
  if (order.order === 'join') {
    const waiting = [...clients.entries()].slice(0, Math.ceil(order.share * clients.length))
    await Promise.all(Array.from({ length: JOINING }, async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [i, client] = next
        await join(client, i % 2 === 0 ? order.tcp : order.ws, order.register, outcome)
      }
    }))
  } else if (order.order === 'work') {
    await work(order.forMs, outcome)
  } else {
    await Promise.all(clients.map(async client => { await client.leave() }))
  }
  outcome.connected = clients.filter(client => client.isConnected).length
  return outcome
}

/** A seed may refuse a connection in a rush; a client comes again. */
async function join (client: LoadClient, address: string, register: boolean, outcome: Outcome): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    if ((client.isConnected || await client.connect(address, outcome)) && (!register || await client.register(outcome))) {
      return
    }
    await pause(200 + randomBelow(random, 800))
  }
}

/** Each client discovers every 10 s, not all at the same time, and registers again when it is due. */
async function work (forMs: number, outcome: Outcome): Promise<void> {
  const startMs = performance.now()
  const endMs = startMs + forMs
  const asking: Array<Promise<unknown>> = []
  const nextDiscoverMs = clients.map((_, i) => startMs + i / clients.length * DISCOVER_EVERY_MS)
  while (performance.now() < endMs) {
    const nowMs = performance.now()
    for (const [i, client] of clients.entries()) {
      if (!client.isConnected) {
        continue
      }
      if (client.renewAtMs <= nowMs) {
        client.renewAtMs = nowMs + 30_000 // unless the answer says otherwise
        asking.push(client.register(outcome))
      } else if ((nextDiscoverMs[i] as number) <= nowMs) {
        nextDiscoverMs[i] = nowMs + DISCOVER_EVERY_MS
        asking.push(client.discover(outcome))
      }
    }
    await pause(LOOK_EVERY_MS)
  }
  await Promise.all(asking)
}
