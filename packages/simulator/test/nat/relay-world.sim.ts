import { expect } from 'chai'
import { PUNCH_PATIENCE_MS } from '@skein/reachability'
import { constantLength, mainlineSessions, relayOnlyShare, RelayWorld } from '../../src/index.ts'
import type { ChooseProvider, NatPopulation, RelayCircuit, RelayPort, RelayTally, RelayWorldInit } from '../../src/index.ts'

const ONE_KIND = { public: 0, 'endpoint-independent': 0, 'port-restricted': 0, 'symmetric-sequential': 0, 'symmetric-random': 0, 'udp-blocked': 0 }
const population = (mix: Partial<NatPopulation['mix']>, ipv6 = 0): NatPopulation => ({ mix: { ...ONE_KIND, ...mix }, mappable: 0, ipv6 })
/** One that is reached without a relay goes first. */
const DIRECT_FIRST: ChooseProvider = known => (known.find(({ path }) => path === 'direct' || path === 'punched') ?? known[0])?.peer as string

/** Grants all circuits, and resets those that the test wants to be reset. */
class OpenRelay implements RelayPort {
  readonly circuits = new Set<RelayCircuit>()
  private readonly carries: boolean

  constructor (carries = true) {
    this.carries = carries
  }

  onReserve (): { granted: boolean } {
    return { granted: true }
  }

  onConnect (): { granted: true, circuit: RelayCircuit } {
    const circuit = { ended: false }
    this.circuits.add(circuit)
    return { granted: true, circuit }
  }

  onBytes (): string | undefined {
    return this.carries ? undefined : 'circuit_bytes'
  }

  onCircuitEnded (circuit: RelayCircuit): void {
    this.circuits.delete(circuit)
  }

  onTimeout (): void {}

  poll (): undefined {
    return undefined
  }

  nextTimeoutMs (): undefined {
    return undefined
  }
}

function world (changes: Partial<RelayWorldInit> = {}): RelayWorld {
  return new RelayWorld({
    seed: 1,
    stream: 900,
    population: population({ 'port-restricted': 1 }),
    skills: { portMapping: false, webrtc: false },
    callers: 40,
    models: 5,
    favourites: 2,
    providers: 3,
    sessions: mainlineSessions(),
    chatsPerHour: 3,
    turns: 4,
    think: { medianMs: 20_000, spread: 0.5 },
    answer: { medianTokens: 100, spread: 0.5 },
    speed: { median: 40, spread: 0 },
    roundTrip: { medianMs: 60, spread: 0.5 },
    punchSuccess: 1,
    firstAttempt: 1,
    relays: 2,
    relay: () => new OpenRelay(),
    choose: DIRECT_FIRST,
    scouting: true,
    patienceMs: PUNCH_PATIENCE_MS,
    ...changes
  })
}

function run (changes: Partial<RelayWorldInit> = {}): RelayTally {
  return world(changes).run(3, 'counted')
}

describe('a world of callers and providers behind NATs', () => {
  it('is the same for the same seed, and another one for another', () => {
    expect(run()).to.deep.equal(run())
    expect(run().bytes).to.not.deep.equal(run({ seed: 2 }).bytes)
  })

  it('needs no relay where all have public addresses, or IPv6', () => {
    for (const one of [population({ public: 1 }), population({ 'symmetric-random': 1 }, 1)]) {
      const { answers, failed } = run({ population: one })
      expect(answers).to.include({ punched: 0, relayed: 0 })
      expect(answers.direct).to.be.above(100)
      expect(failed).to.equal(0)
    }
  })

  it('relays every answer between symmetric NATs of random ports, whole, and tells that nothing else was possible', () => {
    const tally = run({ population: population({ 'symmetric-random': 1 }) })
    expect(tally.answers).to.include({ direct: 0, punched: 0 })
    expect(tally.answers.relayed).to.be.above(100)
    expect(tally).to.include({ cut: 0, failed: 0, relayOnly: tally.answers.relayed, relayOnlyBytes: tally.bytes.relayed, avoidableBytes: 0 })
  })

  it('relays the first answers while a punch is under way, where calls have no patience, and none where they have and punches work', () => {
    const impatient = run({ patienceMs: 0 })
    expect(impatient.answers.relayed).to.be.above(10)
    expect(impatient.answers.punched).to.be.above(impatient.answers.relayed)
    expect(impatient.avoidableBytes).to.equal(impatient.bytes.relayed)
    const patient = run({ patienceMs: 60_000 })
    expect(patient.answers.relayed).to.equal(0)
    expect(Math.max(...patient.firstTokenMs.punched)).to.be.above(Math.max(...impatient.firstTokenMs.relayed))
  })

  it('finds by itself the one provider of three that a punch reaches: after the first answers little is relayed', () => {
    const changes = { population: population({ 'port-restricted': 0.6, 'symmetric-random': 0.4 }), providers: 6, sessions: constantLength(100 * 3_600_000), callers: 30, seed: 3 }
    const [alone, scouting] = [run({ ...changes, scouting: false }), run(changes)]
    expect(scouting.avoidableBytes + scouting.bytes.relayed - scouting.relayOnlyBytes)
      .to.be.below(alone.avoidableBytes + alone.bytes.relayed - alone.relayOnlyBytes)
  })

  it('counts answers that a relay cuts off, and closes circuits that nobody uses', () => {
    const relays: OpenRelay[] = []
    const init = { population: population({ 'symmetric-random': 1 }), chatsPerHour: 0.5 }
    const cut = run({ ...init, relay: () => new OpenRelay(false) })
    expect(cut.answers.relayed).to.equal(0)
    expect(cut.cut).to.be.above(20)
    const still = world({ ...init, relay: () => relays[relays.push(new OpenRelay()) - 1] as OpenRelay, turns: 1 })
    still.run(3, 'counted')
    const open = relays.reduce((sum, { circuits }) => sum + circuits.size, 0)
    expect(open).to.be.below(10)
  })

  it('goes through a relay for every answer when the budget is spent and nothing else is there', () => {
    const tally = run({ population: population({ 'symmetric-random': 1 }), budget: { share: 0, freeBytes: 0 } })
    expect(tally).to.include({ failed: 0, cut: 0 })
    expect(tally.answers.relayed).to.be.above(100)
  })

  it('has as many callers that nothing but a relay reaches as the mix says', () => {
    const mix = population({ public: 0.2, 'port-restricted': 0.4, 'symmetric-random': 0.4 }, 0.3)
    const { all, relayOnly } = run({ population: mix, callers: 400, models: 200, providers: 2, punchSuccess: 0.7, sessions: constantLength(1_800_000) })
    const expected = relayOnlyShare(mix, { portMapping: false, webrtc: false }, 2, 0.7)
    expect(relayOnly / all.answers).to.be.closeTo(expected, 0.04)
  })
})
