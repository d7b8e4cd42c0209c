import { expect } from 'chai'
import { NatLab, NatLabUnavailableError } from '../../src/nat-lab/index.ts'
import { LabProcess } from './lab-process.ts'
import type { NatHost, NatKind } from '../../src/nat-lab/index.ts'

interface Line {
  atMs: number
  seed?: string
  stun?: string
  id?: string
  standing?: { dialable: boolean, nat: { mapping: string, filtering?: string } }
  serving?: string
  changed?: { peer: string, from?: string, to?: string }
  began?: number
  answered?: number
  chars?: number
  route?: { path: string, attempts: number }
  over?: boolean
  paths?: Array<{ peer: string, path?: string }>
  budget?: { bytes: Record<string, number>, share: number, spent: boolean }
  receipts?: string[]
  counters?: { bytes_total: Record<string, number>, changes_total: Record<string, number>, tries_worked_total: Record<string, number> }
}

/** What the provider says in one answer. */
const ANSWER_CHARS = 6_000
/** Between two NATs with a mapping that does not depend on the destination. */
const MAX_PUNCH_MS = 2_000

describe('peers behind NATs', function () {
  this.timeout(120_000)
  let lab: NatLab
  let seed: Line
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
  })

  beforeEach(async () => {
    const host = lab.hosts[0] ?? await lab.addHost('seed', 'public', { addresses: 2 })
    seed = await start(host, 'seed').line(line => line.seed !== undefined)
  })

  afterEach(async () => { await Promise.all(running.splice(0).map(async node => { await node.stop() })) })
  after(async () => { await lab?.close() })

  function start (host: NatHost, ...args: string[]): LabProcess<Line> {
    const node = new LabProcess<Line>(host, 'peer-node.ts', args)
    running.push(node)
    return node
  }

  let hosts = 0
  async function pair (callerKind: NatKind, providerKind: NatKind, ...patience: string[]): Promise<{ caller: LabProcess<Line>, provider: LabProcess<Line>, providerId: string }> {
    const [callerHost, providerHost] = [await lab.addHost(`c${hosts}`, callerKind), await lab.addHost(`p${hosts++}`, providerKind)]
    const provider = start(providerHost, 'provider', seed.seed as string, seed.stun as string)
    const caller = start(callerHost, 'caller', seed.seed as string, seed.stun as string, ...patience)
    const { id = '' } = await provider.line(line => line.id !== undefined)
    return { caller, provider, providerId: id }
  }

  it('call through the relay at once, are punched within 2 s, end the answer whole, and call directly from then on', async () => {
    const { caller, provider, providerId } = await pair('port-restricted', 'port-restricted')
    const { standing } = await caller.line(line => line.standing !== undefined)
    expect(standing).to.deep.include({ dialable: false })
    expect(standing?.nat).to.include({ mapping: 'endpoint-independent' })

    const over = await caller.line(line => line.over === true)
    const answers = caller.lines.filter(({ answered }) => answered !== undefined)
    expect(answers.map(({ chars }) => chars)).to.deep.equal([ANSWER_CHARS, ANSWER_CHARS])
    expect(answers.map(({ route }) => route?.path)).to.deep.equal(['relayed', 'punched'])
    expect(answers.map(({ route }) => route?.attempts)).to.deep.equal([1, 1])

    const changes = caller.lines.filter(({ changed }) => changed?.peer === providerId)
    expect(changes.map(({ changed }) => changed?.to)).to.deep.equal(['relayed', 'punched'])
    const [relayed, punched] = changes as [Line, Line]
    expect(punched.atMs - relayed.atMs).to.be.below(MAX_PUNCH_MS)
    console.log(`      punched ${punched.atMs - relayed.atMs} ms after the circuit stood`)

    expect(over.receipts).to.deep.equal(['relayed', 'punched'])
    await provider.line(({ receipts }) => receipts?.join() === 'relayed,punched')
    expect(over.paths?.find(({ peer }) => peer === providerId)).to.include({ path: 'punched' })
    expect(over.counters?.bytes_total.punched).to.be.above(ANSWER_CHARS)
    expect(over.counters?.changes_total).to.include({ 'none relayed': 1, 'relayed punched': 1 })
    expect(over.counters?.tries_worked_total).to.include({ 'tcp-punch': 1 })
  })

  it('wait for a punch that is under way, so that a relay carries no answer', async () => {
    const { caller, providerId } = await pair('port-restricted', 'symmetric-sequential', '1500')
    const over = await caller.line(line => line.over === true)
    const answers = caller.lines.filter(({ answered }) => answered !== undefined)
    expect(answers.map(({ chars, route }) => [chars, route?.path])).to.deep.equal([[ANSWER_CHARS, 'punched'], [ANSWER_CHARS, 'punched']])
    expect(caller.lines.filter(({ changed }) => changed?.peer === providerId).map(({ changed }) => changed?.to)).to.deep.equal(['relayed', 'punched'])
    expect(over.counters?.bytes_total).to.include({ relayed: 0 })
  })

  it('are dialled by a provider that nobody can dial, where they can be dialled themselves', async () => {
    const { caller, provider, providerId } = await pair('public', 'symmetric-random')
    const over = await caller.line(line => line.over === true)
    expect((await caller.line(line => line.standing !== undefined)).standing).to.deep.include({ dialable: true })
    const answers = caller.lines.filter(({ answered }) => answered !== undefined)
    expect(answers.map(({ chars, route }) => [chars, route?.path])).to.deep.equal([[ANSWER_CHARS, 'relayed'], [ANSWER_CHARS, 'direct']])
    expect(over.counters?.tries_worked_total).to.deep.equal({ dial: 0, reverse: 1, 'tcp-punch': 0, webrtc: 0 })
    expect(over.paths?.find(({ peer }) => peer === providerId)).to.include({ path: 'direct' })
    await provider.line(({ receipts }) => receipts?.join() === 'relayed,direct')
  })

  it('stay with the relay where both NATs are symmetric; the budget counts it, and the answers come all the same', async () => {
    const { caller, providerId } = await pair('symmetric-random', 'symmetric-random')
    const over = await caller.line(line => line.over === true)
    expect((await caller.line(line => line.standing !== undefined)).standing?.nat).to.include({ mapping: 'random' })
    const answers = caller.lines.filter(({ answered }) => answered !== undefined)
    expect(answers.map(({ chars, route }) => [chars, route?.path])).to.deep.equal([[ANSWER_CHARS, 'relayed'], [ANSWER_CHARS, 'relayed']])
    expect(over.paths?.find(({ peer }) => peer === providerId)).to.deep.include({ path: 'relayed', failed: [] })
    expect(over.receipts).to.deep.equal(['relayed', 'relayed'])
    expect(over.budget).to.include({ share: 1, spent: true })
    expect(over.budget?.bytes.relayed).to.be.above(2 * ANSWER_CHARS)
    expect(over.counters?.bytes_total).to.include({ direct: 0, punched: 0, relayed: over.budget?.bytes.relayed })
  })
})
