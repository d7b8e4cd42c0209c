/**
 * A fleet of small relays near its capacity: a herd, users that come and go, a relay that falls silent, monthly caps.
 *
 * Claims. No relay carries more streams than it has places, and no session is carried at two relays but on the way from one to the other. Every
 * place that is asked for is the one of the rule (`pickNode`), so that nobody goes without a relay while one may be picked; who asked in vain is
 * served within a minute of there being room. All sessions of a relay that falls silent are carried elsewhere after five polls, as far as there is
 * room. No relay passes its month's bytes, as long as sessions end or others have room. A herd that starts at once is served in five seconds; one
 * that starts again finds its sessions. When all have gone nothing is left.
 *
 * What runs: `SessionKeeper`, `PoolProvisioner`, `FleetWatch`, the store on SQLite, `StreamAdmissions` at each relay and `ConnectionBook` in each
 * app, all of @skein/fleet, under a simulated clock. Left out are HTTP with its limits of rate, and the media: a user who is ready sends at one rate.
 * A call of the store, of a relay, of DNS and of the API takes a fixed time. A silent relay answers nothing, and keeps what it knew until it is back.
 *
 * Parameters: users, relays of 8 to 11 places in three regions, what a relay may carry in a month and has carried already (late in the month, so that
 * hours show what weeks would), how long users stay and are away, how many of them crash, moves, and the times above.
 *
 * Expected: a herd waits for its jitter of up to 2 s and a few round trips; a silent relay costs three polls and a provision; no cap is passed, since
 * the tenth that is left when a relay is given no more is longer than sessions are, and those that are longer are moved to others at 97 %.
 */
import { randomFloat } from '@skein/core'
import { defineScenario } from '@skein/simulator'
import { FleetWorld, REGIONS } from './fleet-capacity/fleet-world.ts'
import { budgetRows, storedSessions } from './fleet-capacity/fleet-figures.ts'
import { followLoss } from './fleet-capacity/lost-relay.ts'
import type { SimulatedRelay } from './fleet-capacity/simulated-relay.ts'

const HOUR_MS = 3_600_000
const STEP_MS = 10_000
const HERD_MS = 60_000
const MAX_ROUNDS = 5
/** A lease, the two minutes after a move, and the rounds of the reaper that follow. */
const REST_MS = 10 * 60_000
/** A waiting client asks again after a minute at most; then it is provisioned. */
const MAX_WAIT_MS = 65_000

export default defineScenario({
  name: 'fleet-capacity',
  claims: 'Relays of 8 to 11 streams are filled and never beyond, through a herd, a lost relay and monthly caps, by the rules that ship',
  expected: 'a herd served in 2.5 s, a silent relay emptied after 3 polls, no place too many, no session twice, no cap passed',
  options: {
    users: { type: 'count', default: 240, min: 2, max: 20_000, help: 'with one slot each' },
    nodes: { type: 'count', default: 24, min: 3, max: 5_000, help: 'relays, in three regions' },
    minStreams: { type: 'count', default: 8, min: 1, max: 1_000, help: 'places of the smallest relay' },
    maxStreams: { type: 'count', default: 11, min: 1, max: 1_000, help: 'places of the largest' },
    hours: { type: 'number', default: 3, min: 0.1, max: 720, unit: 'h', help: 'simulated' },
    stream: { type: 'number', default: 12, min: 0.1, max: 1_000, unit: 'Mbit/s', help: 'of a stream, in and out of the relay' },
    cap: { type: 'number', default: 2, min: 0.001, max: 1_000, unit: 'TB', help: 'bytes that a relay may carry in a month' },
    usedFrom: { type: 'number', default: 0.6, min: 0, max: 1, unit: 'share', help: 'of the cap, carried at the start by the relay with the least' },
    usedTo: { type: 'number', default: 0.89, min: 0, max: 1, unit: 'share', help: 'by the relay with the most' },
    stay: { type: 'number', default: 2, min: 0.01, max: 1_000, unit: 'h', help: 'mean time that a user is there' },
    away: { type: 'number', default: 1, min: 0.01, max: 1_000, unit: 'h', help: 'mean time away' },
    crashes: { type: 'number', default: 0.2, min: 0, max: 1, unit: 'share', help: 'of the apps that end without giving their relay back' },
    moves: { type: 'number', default: 0.2, min: 0, max: 60, unit: '1/h', help: 'moves to another region that a user asks for' },
    silentMinutes: { type: 'number', default: 10, min: 0.1, max: 600, unit: 'min', help: 'that the lost relay is cut off' },
    herdSeconds: { type: 'number', default: 5, min: 2, max: 3_600, unit: 's', help: 'in which the herd has to be served' },
    apiMs: { type: 'number', default: 60, min: 0, max: 5_000, unit: 'ms', help: 'from a user to the control plane and back' },
    nodeMs: { type: 'number', default: 40, min: 0, max: 1_000, unit: 'ms', help: 'from the control plane to a relay and back' },
    dnsMs: { type: 'number', default: 20, min: 0, max: 10_000, unit: 'ms', help: 'until a name is changed' },
    storeMs: { type: 'number', default: 3, min: 0, max: 1_000, unit: 'ms', help: 'a call of the store' },
    storeConnections: { type: 'count', default: 10, min: 1, max: 1_000, help: 'calls of the store at once' }
  },
  metrics: {
    places: { unit: 'count', help: 'of all relays' },
    herdMedian: { unit: 'ms', help: 'from the start of a herd until a user has a relay' },
    herdP95: { unit: 'ms', help: 'the same' },
    herdLast: { unit: 'ms', help: 'the same, of the last for whom there was a place' },
    herdWithout: { unit: 'count', help: 'users for whom there was no place' },
    picks: { unit: 'count', help: 'places asked for' },
    picksRefused: { unit: 'count', help: 'asked for when no relay could be picked' },
    longestWait: { unit: 's', help: 'that a user was without a relay while one could be picked' },
    lostSessions: { unit: 'count', help: 'of the relay that fell silent' },
    lostRounds: { unit: 'count', help: 'polls until the last of them was carried elsewhere' },
    lostMs: { unit: 'ms', help: 'the same as time' },
    lostWithoutRoom: { unit: 'count', help: 'of them for which no relay could be picked' },
    twiceMs: { unit: 'ms', help: 'after its return, until the relay carried nothing that is carried elsewhere' },
    moved: { unit: 'count', help: 'sessions moved to another relay while they went on' },
    warned: { unit: 'count', help: 'relays that came to 70 % of their month' },
    stopped: { unit: 'count', help: 'relays that came to 90 %' },
    mostUsed: { unit: 'share', help: 'of its month\'s bytes, of the relay that came furthest' }
  },
  small: { users: 70, nodes: 7, hours: 0.5, stay: 0.2, away: 0.1, cap: 0.2, silentMinutes: 3 },
  estimateMemoryBytes: ({ users, nodes }) => 150_000_000 + 30_000 * (users + nodes),

  async run ({ options, seed, progress, record, check, distribution, table }) {
    const world = await FleetWorld.open({
      ...options,
      seed,
      streamBps: options.stream * 1e6,
      monthLimitBytes: Math.floor(options.cap * 1e12),
      usedShares: [options.usedFrom, Math.max(options.usedFrom, options.usedTo)],
      userRoundTripMs: options.apiMs,
      nodeRoundTripMs: options.nodeMs,
      storeCallMs: options.storeMs
    })
    const { users, random, found } = world
    const places = [...world.relays.values()].reduce((sum, { capacity }) => sum + capacity, 0)
    const startMs = world.clock.nowMs()
    const endMs = startMs + options.hours * HOUR_MS
    const chance = (share: number): boolean => randomFloat(random) < share

    /** A step in which users come, go, crash and move. */
    const step = async (): Promise<void> => {
      const hours = STEP_MS / HOUR_MS
      for (const user of users) {
        if (!user.isWanted) {
          if (chance(hours / options.away)) {
            user.come()
          }
        } else if (chance(hours / options.stay)) {
          if (chance(options.crashes)) {
            user.crash()
          } else {
            user.leave()
          }
        } else if (chance(hours * options.moves)) {
          user.move(REGIONS[Math.floor(randomFloat(random) * REGIONS.length)] as string).catch(() => {}) // refused
        }
      }
      await world.run(STEP_MS)
      progress(world.clock.nowMs() - startMs, endMs - startMs)
    }
    const until = async (share: number): Promise<void> => {
      while (world.clock.nowMs() < startMs + share * (endMs - startMs)) {
        await step()
      }
    }

    for (const user of users) {
      user.come()
    }
    await world.run(HERD_MS)
    const served = users.filter(({ isReady }) => isReady)
    const waits = served.map(({ readyMs, wantedMs }) => (readyMs as number) - (wantedMs as number)).sort((a, b) => a - b)
    const within = (share: number): number => waits[Math.max(0, Math.ceil(share * waits.length) - 1)] ?? 0
    record('places', places)
    record('herdMedian', within(0.5))
    record('herdP95', within(0.95))
    record('herdLast', within(1))
    record('herdWithout', users.length - served.length)
    distribution('from the start of the herd to a relay', waits, 'ms')
    check('as many of a herd have a relay as there are places', served.length === Math.min(users.length, places),
      `${served.length} of ${users.length}`)
    check(`a herd is served within ${options.herdSeconds} s`, within(1) <= options.herdSeconds * 1_000, `${within(1)} ms`)

    await until(0.25)
    const lost = busiest([...world.relays.values()])
    const loss = await followLoss(world, lost, options.silentMinutes * 60_000, step)
    record('lostSessions', loss.sessions)
    record('lostRounds', loss.rounds)
    record('lostMs', loss.tookMs)
    record('lostWithoutRoom', loss.withoutRoom)
    record('twiceMs', loss.twiceMs)
    check(`the sessions of a silent relay are carried elsewhere after ${MAX_ROUNDS} polls, where there is room`,
      loss.sessions > 0 && loss.unmoved === 0 && loss.rounds <= MAX_ROUNDS,
      `${loss.sessions} sessions, ${loss.withoutRoom} without room, ${loss.unmoved} left, after ${loss.rounds} polls, ${loss.tookMs} ms`)

    await until(0.6)
    // one loses packets and has no processor left: it keeps what it has
    const ill = busiest([...world.relays.values()].filter(relay => relay !== lost))
    ill.lossShare = 0.1
    ill.cpuShare = 1
    await until(0.75)
    ill.lossShare = 0
    ill.cpuShare = 0.1

    // every app is started anew at once, as after an update
    const before = new Map(users.filter(({ isReady }) => isReady).map(user => [user, user.session?.id] as const))
    for (const user of before.keys()) {
      user.crash()
      user.come()
    }
    await world.run(HERD_MS)
    const kept = [...before].filter(([user, id]) => user.session?.id === id).length
    check('a herd that starts again finds the sessions that it had', kept === before.size, `${kept} of ${before.size}`)

    await until(1)
    const nodes = await world.store.nodes()
    const used = nodes.map(node => node.monthBytes / (node.monthLimitBytes as number))
    const sessions = await storedSessions(world)
    record('picks', found.picks)
    record('picksRefused', found.refusedPicks)
    record('longestWait', found.longestWaitMs / 1_000)
    record('moved', sessions.filter(({ movedMs }) => movedMs !== undefined).length)
    record('warned', new Set(world.budgets.map(({ node }) => node)).size)
    record('stopped', world.budgets.filter(({ budget }) => budget.state === 'stop').length)
    record('mostUsed', Math.max(...used))
    table('budgets of the relays that came furthest', ['relay', 'of its month', 'carried, Mbit/s', 'safe at the start, Mbit/s'],
      (await budgetRows(world, (endMs - startMs) / 1_000)).slice(0, 12))
    check('no relay carries more than it has places for', found.overCapacity === 0, `${found.overCapacity} in ${found.checks} looks`)
    check('no session is carried at two relays, but on the way from one to the other', found.twice === 0, `${found.twice} in ${found.checks} looks`)
    check('every place is the one of the rule, and who gets none could get none', found.picks > 0 && found.wrongPicks === 0,
      `${found.wrongPicks} of ${found.picks} were not, ${found.refusedPicks} got none`)
    check('nobody waits for longer than a minute while there is room', found.longestWaitMs <= MAX_WAIT_MS, `${found.longestWaitMs / 1_000} s`)
    check('no relay passes the bytes of its month', found.overBudget === 0 && Math.max(...used) < 1,
      `${(100 * Math.max(...used)).toFixed(2)} % at most`)

    const alarms = world.budgets.map(({ node, budget }) => `${node} ${budget.state}`)
    check('of 70 % and of 90 % of its month it is told once for each relay', new Set(alarms).size === alarms.length, `${alarms.length} times`)

    for (const user of users.filter(({ isWanted }) => isWanted)) {
      user.leave()
    }
    await world.run(REST_MS)
    const left = (await world.store.nodes()).reduce((sum, node) => sum + node.used, 0)
    const carried = [...world.relays.values()].reduce((sum, { admissions }) => sum + admissions.list().length, 0)
    const alive = (await storedSessions(world)).filter(({ state }) => state !== 'ended').length
    check('when all have gone nothing is left', left === 0 && carried === 0 && alive === 0, `${left} places, ${carried} streams, ${alive} sessions`)
    await world.close()
  }
})

function busiest (relays: SimulatedRelay[]): SimulatedRelay {
  return relays.reduce((most, relay) => relay.admissions.list().length > most.admissions.list().length ? relay : most)
}
