import { expect } from 'chai'
import { NatLab, NatLabUnavailableError } from '../../src/nat-lab/index.ts'
import { LabProcess } from './lab-process.ts'
import type { NatHost, NatKind } from '../../src/nat-lab/index.ts'

interface Line {
  atMs: number
  listening?: string
  path?: string
  peer?: string
  dialling?: boolean
  circuit?: string
  echoed?: number
  over?: boolean
  counters?: Record<string, number>
}

/** What a node would find out from STUN servers. */
function believed (kind: NatKind): string {
  return kind === 'symmetric-sequential' ? 'sequential' : 'endpoint-independent'
}

describe('a punch through real NATs', function () {
  this.timeout(90_000)
  let lab: NatLab
  const running: Array<LabProcess<Line>> = []

  before(async function () {
    try {
      lab = await NatLab.open()
    } catch (error) {
      if (error instanceof NatLabUnavailableError) {
        console.log(`      left out: ${error.message}`)
        this.skip()
      }
      throw error
    }
    await lab.addHost('relay', 'public')
  })

  afterEach(async () => { await Promise.all(running.splice(0).map(async node => { await node.stop() })) })
  after(async () => { await lab?.close() })

  const start = (host: NatHost, ...args: string[]): LabProcess<Line> => {
    const node = new LabProcess<Line>(host, 'nat-node.ts', args)
    running.push(node)
    return node
  }

  let hosts = 0
  async function dialled (a: NatKind, b: NatKind): Promise<{ dialler: LabProcess<Line>, listener: string }> {
    const [relayHost] = lab.hosts
    const [hostA, hostB] = [await lab.addHost(`a${hosts}`, a), await lab.addHost(`b${hosts++}`, b)]
    const { listening: relay = '' } = await start(relayHost as NatHost, 'relay').line(({ listening }) => listening !== undefined)
    const { listening = '' } = await start(hostB, 'listen', relay, believed(b)).line(line => line.listening !== undefined)
    return { dialler: start(hostA, 'dial', listening, believed(a)), listener: listening.split('/').at(-1) as string }
  }

  const pairs: Array<[NatKind, NatKind]> = [
    ['port-restricted', 'port-restricted'], ['cgnat', 'full-cone'], ['udp-blocked', 'restricted'],
    ['symmetric-sequential', 'port-restricted'], ['port-restricted', 'symmetric-sequential'], ['symmetric-sequential', 'full-cone']
  ]
  for (const [a, b] of pairs) {
    it(`from ${a} to ${b} works, and what is under way ends whole before the circuit is closed`, async () => {
      const { dialler, listener } = await dialled(a, b)
      const { atMs: relayedMs } = await dialler.line(({ path, peer }) => path === 'relayed' && peer === listener)
      const { atMs } = await dialler.line(({ path, peer }) => path === 'punched' && peer === listener)
      const closed = await dialler.line(({ circuit }) => circuit === 'closed')
      expect(closed).to.include({ echoed: 20_000 })
      expect(closed.counters).to.include({ tried_tcp_punch_total: 1, worked_tcp_punch_total: 1 })
      console.log(`      punched ${atMs - relayedMs} ms after the circuit stood`)
    })
  }

  it('from symmetric-random to port-restricted fails in silence, and the circuit carries on', async () => {
    const { dialler, listener } = await dialled('symmetric-random', 'port-restricted')
    const over = await dialler.line(line => line.over === true)
    expect(over).to.include({ circuit: 'open', echoed: 20_000 })
    expect(dialler.lines.filter(({ peer }) => peer === listener).map(({ path }) => path)).to.deep.equal(['relayed'])
  })
})
