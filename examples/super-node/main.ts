/**
 * Volunteers carry load for others: five of them elect three, a peer that nobody can dial is reached through them, and when the one that carries is
 * drained the peer moves to others. (Who is not elected relays a little too: that is how a volunteer becomes known.)
 */
import { createPeer } from '@skein/peer'
import { createSeed, createSuperNode } from '@skein/seed'
import { loopbackHost, loopbackNetworks } from '@skein/testnet'
import type { SuperNode } from '@skein/seed'

// addresses 127.X.0.1 stand for networks on the internet, each of another provider
const networkOf = loopbackNetworks()
const region = 'eu-west'
const MODEL = { model: 'echo', messages: [{ role: 'user', content: 'are you there?' }] }

const seed = await createSeed({ ...loopbackHost('127.1.0.1'), networkOf, roles: ['discover', 'bootstrap'] })

const volunteers = await Promise.all([11, 12, 13, 14, 15].map(async network => await createSuperNode({
  ...loopbackHost(`127.${network}.0.1`),
  networkOf,
  region,
  bootstrap: seed.addresses,
  // what this machine gives: it stops when that is used up
  quota: { bytesPerDay: 10e9, bytesPerMonth: 200e9, bytesPerSecond: 20e6, cpuShare: 1, timeZone: 'UTC' },
  // among strangers a volunteer is watched for hours and earns its reputation over days; an example should end before that. And all of them share
  // the processors of this machine, which is what they measure when they measure each other's lines
  election: {
    rules: { minAgeMs: 3_000, minBytesPerSecond: 100_000 },
    electorRules: {
      candidacyMs: 2_000, periodMs: 60_000, moreVerifiersMs: 2_000, spreadMs: 1_000, repeatMs: 4_000, reportLifeMs: 90_000, listenMs: 4_000,
      electionMs: 2_000, recheckMs: 1_000, watchedMs: 1_500, risePerDay: 10_000
    },
    leaseMs: 10_000,
    graceMs: 1_000
  }
})))
for (const volunteer of volunteers) {
  volunteer.addEventListener('state:changed', ({ detail }) => { console.log(`${nameOf(volunteer.id)} is ${detail.state}`) })
}
console.log(`volunteers: ${volunteers.map(({ id }) => nameOf(id)).join(', ')}`)

const elected = (): SuperNode[] => volunteers.filter(({ state }) => state.state === 'elected')
await until('three are elected', () => elected().length === 3)

// it listens nowhere: others reach it through super-nodes
const server = await createPeer({
  listen: [], networkOf, region, bootstrap: seed.addresses, superNodes: { poll: { firstMs: 500, minPauseMs: 2_000, refreshMs: 4_000 } }
})
await server.reserveRelay({ timeoutMs: 30_000 })
await server.serve('echo', async ({ body }) => `you said: ${(body.messages as Array<{ content: string }>).at(-1)?.content}`)
await until('it is reached through an elected super-node', () => elected().some(({ id }) => server.relays.some(({ relay }) => relay === id)))
// nobody can dial it either, or the server would come to it by itself
const caller = await createPeer({ listen: [], networkOf, region, bootstrap: seed.addresses, superNodes: false })
console.log(`\n> ${MODEL.messages[0]?.content}\n${await answer()}`)

const carried = (volunteer: SuperNode): number => volunteer.status().relay.bytes
const [used] = volunteers.toSorted((a, b) => carried(b) - carried(a)) as [SuperNode]
check('the answer came through a super-node', carried(used) > 0)
console.log(`\n${nameOf(used.id)} (${used.state.state}) carried ${carried(used)} bytes; it is drained now`)
await used.drain({ deadlineMs: 20_000 })
await used.stop()
const before = sum(volunteers.map(carried))
await until('the server is reached through another', () => server.relays.length > 0 && server.relays.every(({ relay }) => relay !== used.id))
console.log(`the server moved to ${server.relays.map(({ relay }) => nameOf(relay)).join(', ')}`)
console.log(`\n> ${MODEL.messages[0]?.content}\n${await answer()}`)
check('the second answer came through another one', sum(volunteers.map(carried)) > before)

await Promise.all([caller.stop(), server.stop()])
await Promise.all(volunteers.map(async volunteer => { await volunteer.stop() }))
await seed.stop()

/** The offer that names the new way may still be on its own. */
async function answer (): Promise<string> {
  let text = ''
  await until('an answer came', async () => {
    text = await caller.chat(MODEL).text().catch(() => '')
    return text !== ''
  })
  return text
}

async function until (what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = Date.now() + 45_000
  while (!(await condition())) {
    if (Date.now() > endMs) {
      console.error(`In 45 s it did not come about that ${what}`)
      process.exit(1)
    }
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

function check (what: string, isSo: boolean): void {
  if (!isSo) {
    console.error(`It is not so that ${what}`)
    process.exit(1)
  }
}

function sum (numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

function nameOf (id: string): string {
  return id.slice(-6)
}
