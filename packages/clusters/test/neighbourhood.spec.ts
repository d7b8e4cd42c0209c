/** What a peer makes of its neighbours: coordinates, zones, claims; and of those that lie. */
import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { clusterPoint, DIMENSIONS, isCoordinate, Neighbourhood, planeDistanceMs, prefixOf, scopeName, WHOLE_REGION } from '../src/index.ts'
import type { Coordinate, Greeting, NeighbourhoodEffect, NeighbourhoodInit } from '../src/index.ts'

const MINUTE_MS = 60_000

function at (...position: number[]): Coordinate {
  return { position: Array.from({ length: DIMENSIONS }, (_, i) => position[i] ?? 0), heightMs: 5, error: 0.2 }
}

function greetingOf (change: Partial<Greeting> = {}): Greeting {
  return { coordinate: at(0), region: 'eu', zone: WHOLE_REGION, depth: 2, ...change }
}

function create (init: Partial<NeighbourhoodInit> = {}): Neighbourhood {
  return new Neighbourhood({ region: 'eu', ...init }, new SeededRandom(1), 0)
}

function drain (machine: Neighbourhood): NeighbourhoodEffect[] {
  const effects: NeighbourhoodEffect[] = []
  for (let effect = machine.poll(); effect !== undefined; effect = machine.poll()) {
    effects.push(effect)
  }
  return effects
}

const typesOf = (effects: NeighbourhoodEffect[]): string[] => effects.map(({ type }) => type)

/** Runs the machine from one time to another; each neighbour answers what `answer` says, after its round trip. */
function run (machine: Neighbourhood, fromMs: number, untilMs: number, answer: (peer: string) => [Greeting, roundTripMs: number]): NeighbourhoodEffect[] {
  const effects: NeighbourhoodEffect[] = []
  for (let nowMs = Math.max(fromMs, machine.nextTimeoutMs() ?? untilMs); nowMs < untilMs; nowMs = Math.max(nowMs, machine.nextTimeoutMs() ?? untilMs)) {
    machine.onTimeout(nowMs)
    for (const effect of drain(machine)) {
      effects.push(effect)
      if (effect.type === 'greet') {
        const [greeting, roundTripMs] = answer(effect.peer)
        machine.onAnswer(effect.peer, greeting, { roundTripMs, relayed: false }, nowMs + roundTripMs)
      }
    }
    effects.push(...drain(machine))
  }
  return effects
}

/** Neighbours at 0 and at 100 ms on a line; this peer stands at `own`, with 10 ms of height on both sides. */
function line (own: number): (peer: string) => [Greeting, number] {
  return peer => {
    const place = Number(peer.slice(1)) % 2 * 100
    return [greetingOf({ coordinate: at(place) }), Math.abs(place - own) + 10]
  }
}

function connect (machine: Neighbourhood, count: number): void {
  for (let i = 0; i < count; i++) {
    machine.onConnected(`n${i}`, 0)
  }
}

describe('Neighbourhood', () => {
  it('greets a peer that connected at once, with what it is itself', () => {
    const machine = create()
    machine.onCluster({ depth: 3, coordinator: 'boss' })
    machine.onConnected('a', 0)
    const [effect] = drain(machine)
    expect(effect).to.deep.equal({
      type: 'greet', peer: 'a', greeting: { coordinate: { position: [0, 0, 0], heightMs: 0.1, error: 1 }, region: 'eu', zone: 'all', depth: 3, coordinator: 'boss' }
    })
  })

  it('learns how far away its neighbours are, and where it stands itself', () => {
    const machine = create()
    connect(machine, 8)
    const effects = run(machine, 0, 10 * MINUTE_MS, line(20))
    expect(machine.roundTripMs('n0', 10 * MINUTE_MS)).to.equal(30)
    expect(machine.roundTripMs('n1', 10 * MINUTE_MS)).to.equal(90)
    expect(machine.roundTripMs('stranger', 10 * MINUTE_MS)).to.equal(undefined)
    expect(machine.predictRoundTripMs(at(100))).to.be.closeTo(90, 3)
    expect(machine.coordinate.error).to.be.below(0.05)
    expect(typesOf(effects)).to.include('moved')
    expect(machine.counters.samples_total.moved).to.be.above(100)
  })

  it('predicts nothing before it has 64 samples, and nothing of what is no coordinate', () => {
    const machine = create()
    connect(machine, 8)
    run(machine, 0, MINUTE_MS, line(20))
    expect(machine.predictRoundTripMs(at(100))).to.equal(undefined)
    run(machine, MINUTE_MS, 5 * MINUTE_MS, line(20))
    expect(machine.predictRoundTripMs(at(100))).to.be.a('number')
    expect(machine.predictRoundTripMs(at(NaN))).to.equal(undefined)
  })

  it('greets often until it has settled, and seldom then', () => {
    const machine = create()
    connect(machine, 8)
    run(machine, 0, 10 * MINUTE_MS, line(20))
    const before = machine.counters.greetings_sent_total
    run(machine, 10 * MINUTE_MS, 40 * MINUTE_MS, line(20))
    expect(before).to.be.within(128, 150)
    expect(machine.counters.greetings_sent_total - before).to.be.within(50, 72)
  })

  it('settles in ten minutes though nobody answers', () => {
    const machine = create()
    connect(machine, 200)
    for (let nowMs = 0; nowMs < 40 * MINUTE_MS; nowMs += 500) {
      machine.onTimeout(nowMs)
      drain(machine).forEach(effect => { effect.type === 'greet' && machine.onGreetFailed(effect.peer, nowMs) })
      if (nowMs === 20 * MINUTE_MS) {
        expect(machine.counters.greetings_sent_total).to.be.below(350)
      }
    }
    expect(machine.counters.greetings_sent_total).to.be.below(400)
  })

  it('chooses the zone of the nearer anchor, and tells of it in its greetings', () => {
    const machine = create()
    connect(machine, 8)
    const anchors = [{ name: 'west', coordinate: at(0) }, { name: 'east', coordinate: at(100) }]
    machine.onAnchors(anchors)
    expect(machine.zone, 'before it knows where it stands').to.equal(WHOLE_REGION)
    const effects = run(machine, 0, 10 * MINUTE_MS, line(20))
    expect(effects.filter(({ type }) => type === 'zone')).to.deep.equal([{ type: 'zone', zone: 'west' }])
    expect(machine.greeting.zone).to.equal('west')
    machine.onAnchors([anchors[1]!, { name: 'north', coordinate: at(25) }])
    expect(drain(machine)).to.deep.include({ type: 'zone', zone: 'north' })
    machine.onAnchors([])
    expect(machine.zone).to.equal(WHOLE_REGION)
  })

  it('passes over anchors that are none, and all beyond eight', () => {
    const machine = create()
    connect(machine, 8)
    run(machine, 0, 10 * MINUTE_MS, line(20))
    const far = Array.from({ length: 8 }, (_, i) => ({ name: `far${i}`, coordinate: at(100 + 50 * i) }))
    const none = [{ name: 'x/y', coordinate: at(20) }, { name: WHOLE_REGION, coordinate: at(20) }, { name: 'nan', coordinate: at(NaN) }]
    machine.onAnchors([...none, ...far, { name: 'late', coordinate: at(20) }])
    expect(machine.zone).to.equal('far0')
  })

  it('does not take a relayed round trip for a distance', () => {
    const machine = create()
    machine.onConnected('a', 0)
    drain(machine)
    machine.onAnswer('a', greetingOf(), { roundTripMs: 300, relayed: true }, 300)
    expect(machine.roundTripMs('a', 300)).to.equal(300)
    expect(machine.counters.samples_total).to.deep.equal({ moved: 0, malformed: 0, too_soon: 0, outlier: 0 })
    machine.onTimeout(6000)
    drain(machine)
    machine.onAnswer('a', greetingOf(), { roundTripMs: 20, relayed: false }, 6020)
    expect(machine.roundTripMs('a', 6020), 'a direct way was found').to.equal(20)
    machine.onTimeout(12_000)
    drain(machine)
    machine.onAnswer('a', greetingOf(), { roundTripMs: 310, relayed: true }, 12_310)
    expect(machine.roundTripMs('a', 12_310), 'the direct way was lost').to.equal(300)
    expect(machine.roundTripMs('a', 12_310 + 60 * MINUTE_MS)).to.equal(undefined)
  })

  it('knows what neighbours in its zone said in the last ten minutes, of those that are still connected', () => {
    const machine = create()
    const say = (peer: string, change: Partial<Greeting>, nowMs: number): void => {
      machine.onConnected(peer, nowMs)
      machine.onGreeting(peer, greetingOf(change), nowMs)
    }
    say('a', { depth: 1 }, 0)
    say('b', { depth: 2 }, MINUTE_MS)
    say('c', { depth: 3 }, MINUTE_MS)
    say('elsewhere', { zone: 'west', depth: 7 }, MINUTE_MS)
    say('abroad', { region: 'us', depth: 8 }, MINUTE_MS)
    machine.onGreeting('unconnected', greetingOf({ depth: 9 }), MINUTE_MS)
    expect(machine.claims('eu', 'all', MINUTE_MS)).to.deep.equal([1, 2, 3])
    drain(machine)
    machine.onDisconnected('b', MINUTE_MS)
    expect(typesOf(drain(machine))).to.include('claims')
    expect(machine.claims('eu', 'all', MINUTE_MS)).to.deep.equal([1, 3])
    expect(machine.claims('eu', 'west', MINUTE_MS)).to.deep.equal([7])
    machine.onTimeout(10 * MINUTE_MS)
    expect(typesOf(drain(machine)), 'the first is out of date').to.include('claims')
    expect(machine.claims('eu', 'all', 10 * MINUTE_MS)).to.deep.equal([3])
  })

  it('says so when a claim changes, not when it is repeated', () => {
    const machine = create()
    machine.onConnected('a', 0)
    const told = (change: Partial<Greeting>, nowMs: number): boolean => {
      machine.onGreeting('a', greetingOf(change), nowMs)
      return typesOf(drain(machine)).includes('claims')
    }
    expect([told({}, 0), told({ coordinate: at(9) }, 5000), told({ depth: 3 }, 10_000), told({ depth: 3, coordinator: 'x' }, 15_000)])
      .to.deep.equal([true, false, true, true])
  })

  it('knows who coordinates a cluster as the neighbours in it say', () => {
    const machine = create()
    const depth = 1
    const [own, other] = [0, 1].map(prefix => Array.from({ length: 40 }, (_, i) => `p${i}`).filter(peer => prefixOf(clusterPoint(peer), depth) === prefix))
    const coordinators = ['x', 'y', 'y']
    for (const [i, coordinator] of coordinators.entries()) {
      for (const [peer, named] of [[own?.[i], coordinator], [other?.[i], 'z']] as Array<[string, string]>) {
        machine.onConnected(peer, 0)
        machine.onGreeting(peer, greetingOf({ depth, coordinator: named }), 0)
      }
    }
    expect(machine.coordinators(scopeName('eu', 'all', 0, depth), 0)).to.deep.equal(['y', 'x'])
    expect(machine.coordinators(scopeName('eu', 'all', 1, depth), 0)).to.deep.equal(['z'])
    expect(machine.coordinators(scopeName('eu', 'west', 1, depth), 0)).to.deep.equal([])
  })

  it('answers a greeting with its own, but nobody more than once in 2.5 s', () => {
    const machine = create()
    const said = (nowMs: number): string[] => {
      machine.onGreeting('a', greetingOf(), nowMs)
      return typesOf(drain(machine))
    }
    expect([said(0), said(2000), said(2600)]).to.deep.equal([['answer'], ['refuse'], ['answer']])
    expect(machine.counters).to.include({ greetings_received_total: 3, greetings_refused_total: 1 })
  })

  it('answers 200 a second, and 400 at once', () => {
    const machine = create()
    for (let i = 0; i < 1000; i++) {
      machine.onGreeting(`p${i}`, greetingOf(), 0)
    }
    for (let i = 0; i < 1000; i++) {
      machine.onGreeting(`q${i}`, greetingOf(), 1000)
    }
    expect(drain(machine).filter(({ type }) => type === 'answer').length).to.equal(600)
  })

  it('starts anew after it was stopped, and still knows where it stands', () => {
    const machine = create()
    connect(machine, 8)
    run(machine, 0, 5 * MINUTE_MS, line(20))
    const { coordinate } = machine
    machine.onStopped()
    expect([machine.neighbours, machine.nextTimeoutMs(), machine.claims('eu', 'all', 5 * MINUTE_MS).length]).to.deep.equal([0, undefined, 0])
    machine.onConnected('n1', 6 * MINUTE_MS)
    expect(machine.coordinate).to.deep.equal(coordinate)
    machine.onTimeout(7 * MINUTE_MS)
    expect(typesOf(drain(machine))).to.include('greet')
  })

  it('does not take the name of a region that is none, nor a depth', () => {
    expect(() => create({ region: 'EU west' })).to.throw(RangeError, /small letters/)
    expect(() => create({ region: '' })).to.not.throw()
    expect(() => { create().onCluster({ depth: 25 }) }).to.throw(RangeError)
  })
})

describe('Neighbourhood among liars', () => {
  it('blames who says what cannot be, takes none of it, and greets it less and less', () => {
    const machine = create()
    machine.onConnected('liar', 0)
    machine.onTimeout(0)
    drain(machine)
    machine.onAnswer('liar', greetingOf({ coordinate: at(Infinity), depth: 3 }), { roundTripMs: 10, relayed: false }, 10)
    expect(drain(machine)).to.deep.equal([{ type: 'penalize', peer: 'liar', reason: 'malformed' }])
    expect(machine.claims('eu', 'all', 10)).to.deep.equal([])
    expect(machine.roundTripMs('liar', 10)).to.equal(undefined)
    expect(machine.nextTimeoutMs()).to.equal(10_010)
    machine.onGreeting('liar', greetingOf({ depth: -1 }), 3000)
    expect(drain(machine)).to.deep.equal([{ type: 'penalize', peer: 'liar', reason: 'malformed' }, { type: 'refuse', peer: 'liar' }])
    expect(machine.counters.offences_total.malformed).to.equal(2)
  })

  it('does not believe an answer to nothing', () => {
    const machine = create()
    machine.onConnected('a', 0)
    machine.onTimeout(0)
    drain(machine)
    machine.onAnswer('a', greetingOf(), { roundTripMs: 10, relayed: false }, 10)
    machine.onAnswer('a', greetingOf({ depth: 9 }), { roundTripMs: 10, relayed: false }, 20)
    machine.onAnswer('b', greetingOf({ depth: 9 }), { roundTripMs: 10, relayed: false }, 20)
    expect(machine.claims('eu', 'all', 20)).to.deep.equal([2])
    expect(machine.counters.greetings_answered_total).to.equal(1)
  })

  it('is moved by a quarter of liars no farther than the disagreement that it allows', () => {
    const machine = create()
    connect(machine, 24)
    const truth = line(20)
    run(machine, 0, 20 * MINUTE_MS, truth)
    const before = machine.greeting.coordinate
    const isLiar = (peer: string): boolean => Number(peer.slice(1)) % 4 === 3
    run(machine, 20 * MINUTE_MS, 180 * MINUTE_MS, peer => isLiar(peer) ? [greetingOf({ coordinate: { ...at(4000, 4000), error: 0 } }), 5] : truth(peer))
    expect(machine.counters.samples_total.outlier).to.be.above(50)
    expect(planeDistanceMs(before, machine.greeting.coordinate)).to.be.below(20)
  })

  it('is the farther from who delays its answers, and otherwise where it was', () => {
    const machine = create()
    connect(machine, 24)
    const truth = line(20)
    run(machine, 0, 20 * MINUTE_MS, truth)
    run(machine, 20 * MINUTE_MS, 180 * MINUTE_MS, peer => peer === 'n3' ? [truth(peer)[0], 2000] : truth(peer))
    expect(machine.roundTripMs('n3', 180 * MINUTE_MS)).to.equal(2000)
    expect(machine.predictRoundTripMs(at(100))).to.be.closeTo(90, 10)
  })

  it('keeps its bounds, and never throws, whatever it is told', () => {
    const number = fc.oneof(fc.double(), fc.double({ min: -10_000, max: 10_000 }), fc.integer())
    const anyCoordinate = fc.record({ position: fc.array(number, { maxLength: 4 }), heightMs: number, error: number })
    const anyGreeting = fc.record({
      coordinate: anyCoordinate,
      region: fc.oneof(fc.constant('eu'), fc.string()),
      zone: fc.oneof(fc.constant('all'), fc.string()),
      depth: fc.oneof(fc.nat(24), number),
      coordinator: fc.option(fc.string({ maxLength: 200 }), { nil: undefined })
    })
    const peer = fc.nat(9).map(i => `n${i}`)
    const input = fc.oneof(
      fc.record({ type: fc.constant('connect' as const), peer }),
      fc.record({ type: fc.constant('disconnect' as const), peer }),
      fc.record({ type: fc.constant('greeting' as const), peer, greeting: anyGreeting }),
      fc.record({ type: fc.constant('anchors' as const), anchors: fc.array(fc.record({ name: fc.string(), coordinate: anyCoordinate }), { maxLength: 20 }) }),
      fc.record({ type: fc.constant('time' as const), greeting: anyGreeting, roundTripMs: number, relayed: fc.boolean() })
    )
    fc.assert(fc.property(fc.array(input, { maxLength: 80 }), fc.integer(), (inputs, seed) => {
      const machine = new Neighbourhood({ region: 'eu', maxNeighbours: 4 }, new SeededRandom(seed), 0)
      let nowMs = 0
      let moves = 0
      for (const one of inputs) {
        nowMs += 3000
        if (one.type === 'connect') {
          machine.onConnected(one.peer, nowMs)
        } else if (one.type === 'disconnect') {
          machine.onDisconnected(one.peer, nowMs)
        } else if (one.type === 'greeting') {
          machine.onGreeting(one.peer, one.greeting, nowMs)
        } else if (one.type === 'anchors') {
          machine.onAnchors(one.anchors)
        } else {
          machine.onTimeout(nowMs)
        }
        for (const effect of drain(machine)) {
          if (effect.type === 'greet' && one.type === 'time') {
            machine.onAnswer(effect.peer, one.greeting, one, nowMs)
          }
          moves += effect.type === 'moved' ? 1 : 0
        }
      }
      expect(isCoordinate(machine.coordinate)).to.equal(true)
      expect(machine.neighbours).to.be.at.most(4)
      expect(machine.claims('eu', 'all', nowMs).every(depth => Number.isInteger(depth) && depth >= 0 && depth <= 24)).to.equal(true)
      expect(moves).to.be.at.most(machine.counters.samples_total.moved)
    }), { numRuns: 300 })
  })
})
