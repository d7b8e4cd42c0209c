/** Eight volunteers on loopback that elect three among them, over real connections and GossipSub. */
import { expect } from 'chai'
import { askLeases, LeaseRefusedError } from '../src/libp2p/index.ts'
import { createVolunteer, eventually, kill, RendezvousTable } from './volunteer-fixture.ts'
import type { VolunteerNode } from './volunteer-fixture.ts'

const nodes: VolunteerNode[] = []

async function createEight (): Promise<void> {
  const table = new RendezvousTable()
  for (let host = 20; host < 28; host++) {
    nodes.push(await createVolunteer(host, table))
  }
}

/** Who has a seat by a node's own election and a lease that it knows. */
function seated ({ service }: VolunteerNode): string[] {
  return service.elected().filter(({ lease }) => lease !== undefined).map(({ peer }) => peer).sort()
}

function agree (): boolean {
  const [first = []] = nodes.map(seated)
  return first.length === 3 && nodes.every(node => seated(node).join() === first.join())
}

async function stopped (node: VolunteerNode): Promise<void> {
  await node.service.stop()
  await node.libp2p.stop()
}

describe('SuperNodeService', function () {
  this.timeout(120_000)

  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(stopped))
  })

  it('elects three of eight volunteers, tells their leases, and replaces one that is killed before its lease ends', async function () {
    const startMs = performance.now()
    await createEight()
    await eventually(agree)
    console.log(`      three seats after ${((performance.now() - startMs) / 1000).toFixed(1)} s`)

    const holders = seated(nodes[0] as VolunteerNode)
    // one that was elected while hardly anybody had looked keeps its lease to its end
    expect(nodes.filter(({ service }) => service.state === 'holding').map(({ name }) => name)).to.include.members(holders)
    const systems = holders.map(peer => nodes[0]?.service.explain(peer)?.candidate.networks[0]?.system)
    expect(new Set(systems).size).to.equal(3)
    const [asking, asked] = nodes as [VolunteerNode, VolunteerNode]
    const answer = await askLeases(asking.libp2p, asked.libp2p.getMultiaddrs(), { region: 'eu-west' })
    expect(answer.leases.map(({ lease }) => lease.peer).sort()).to.deep.equal(holders)
    expect(answer.peers).to.equal(20)
    expect(await askLeases(asking.libp2p, asked.libp2p.getMultiaddrs(), { region: 'moon' }).catch((error: unknown) => error))
      .to.be.instanceOf(LeaseRefusedError).and.include({ refusal: 'region' })

    const victim = nodes.find(({ name }) => name === holders[0]) as VolunteerNode
    nodes.splice(nodes.indexOf(victim), 1)
    const killedMs = performance.now()
    await kill(victim)
    await eventually(() => agree() && !seated(nodes[0] as VolunteerNode).includes(victim.name))
    console.log(`      replaced after ${((performance.now() - killedMs) / 1000).toFixed(1)} s`)
    const now = seated(nodes[0] as VolunteerNode)
    expect(nodes.filter(({ service }) => service.state === 'holding').map(({ name }) => name)).to.include.members(now)
    const [first, second] = nodes as [VolunteerNode, VolunteerNode]
    expect((await askLeases(first.libp2p, second.libp2p.getMultiaddrs(), { region: 'eu-west' })).leases.map(({ lease }) => lease.peer).sort())
      .to.deep.equal(now)
    await eventually(() => first.service.explain(victim.name)?.down.down === true)
  })
})
