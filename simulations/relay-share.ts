/**
 * Which share of the bytes goes through relays, by the rules that ship.
 *
 * Claims. Where consumers' and mobile devices call models that three of them serve, less than 5 % of the bytes of answers go through relays; where
 * one of the providers can be reached without a relay, less than the share that the budget allows; every answer that a relay begins comes whole,
 * within the limits that relays ship with, and every call is answered, those that nothing but a relay can carry among them.
 *
 * What runs: `pairWays`, `PathTable`, `RelayBudget` and `isWorthWaiting` of @skein/reachability at each caller, `rankOffers` of @skein/peer, and
 * `RelayLedger` of @skein/seed at each relay, under a simulated clock. Devices call for as long as they are online, then others come, who know
 * nobody; providers likewise. A caller dials, or goes through a relay; a better way is looked for meanwhile, and after an answer that came through a
 * relay the others that serve the model are connected too. A circuit that is not used for 10 s is closed. Which ways work is as between the networks
 * of docs/nat-matrix.md; punches work between a share of the pairs only, as over the Internet.
 *
 * Parameters: the mix of devices (an assumption: packages/simulator/src/nat/relay-mixes.ts), providers of a model, whether routers map ports and
 * peers speak WebRTC, punches that work, the budget, the length of chats and of the time online; each of three rules can be left out.
 *
 * Expected: mobile, 3 providers: 4 to 5 %, most of it of callers who reach none of the three but through a relay. How many they are depends on which
 * providers stand in a run; their share is known exactly from the mix, so that the claim is checked with that. Without a choice (1 provider): 20 %.
 * `npm run bench -- relay-share` writes docs/relay-share.md from it.
 */
import { rankOffers } from '@skein/peer'
import { PUNCH_PATIENCE_MS } from '@skein/reachability'
import { RelayLedger } from '@skein/seed'
import { defineScenario, ipfsSessions, mainlineSessions, RELAY_MIX_NAMES, relayMixOf, relayOnlyShare, RelayWorld, Stream } from '@skein/simulator'
import type { ChooseProvider, KnownProvider } from '@skein/simulator'

/** And the next three. */
const WORLD = Stream.scenario + 120
const MOST = 0.05
/** D. Trautwein et al., "Challenging Tribal Knowledge: Large Scale Measurement Campaign on Decentralized NAT Traversal", 2025. */
const PUNCH_SUCCESS = 0.7
const FIRST_ATTEMPT = 0.976
/** At the start nobody knows anybody; the median of the times online is two hours. */
const WARM_UP_HOURS = 6
const PROVIDERS_OF_A_RELAY = 250

export default defineScenario({
  name: 'relay-share',
  claims: 'Less than 5 % of the bytes flow through relays, consumers and phones, 3 providers of a model; every relayed answer comes whole',
  expected: 'mobile, 3 providers: 4 to 5 %, most of it of callers who reach none of the three but through a relay',
  options: {
    mix: { type: 'choice', default: 'mobile', choices: RELAY_MIX_NAMES, help: 'which NATs the devices are behind' },
    providers: { type: 'count', default: 3, min: 1, max: 16, help: 'of a model, at any time' },
    portMapping: { type: 'switch', default: true, help: 'routers that map ports on request are asked to' },
    webrtc: { type: 'switch', default: true, help: 'all peers speak WebRTC' },
    punchSuccess: { type: 'number', default: PUNCH_SUCCESS, min: 0, max: 1, unit: 'share', help: 'of pairs that can be punched, where it works' },
    callers: { type: 'count', default: 1_000, min: 10, max: 1_000_000, help: 'devices that are online and call' },
    models: { type: 'count', default: 300, min: 1, max: 1_000_000, help: 'models that are called' },
    favourites: { type: 'count', default: 3, min: 1, max: 100, help: 'of them that one device calls' },
    hours: { type: 'number', default: 12, min: 0.1, max: 720, unit: 'h', help: 'counted, after six as a warm-up' },
    sessions: { type: 'choice', default: 'mainline', choices: ['mainline', 'ipfs'], help: 'how long devices stay online' },
    chats: { type: 'number', default: 1, min: 0.01, max: 60, unit: '1/h', help: 'chats that a caller begins, each with one model' },
    turns: { type: 'number', default: 5, min: 1, max: 100, unit: 'count', help: 'questions of a chat, on average' },
    think: { type: 'number', default: 30, min: 0, max: 3_600, unit: 's', help: 'median between an answer and the next question' },
    tokens: { type: 'count', default: 250, min: 1, max: 100_000, help: 'median of an answer' },
    speedSpread: { type: 'number', default: 0.5, min: 0, max: 2, unit: 'ratio', help: 'of the logarithm of tokens/s, median 40' },
    budgetShare: { type: 'number', default: 0.05, min: 0, max: 1, unit: 'share', help: 'of a caller\'s bytes that may be relayed' },
    budgetFreeBytes: { type: 'count', default: 1_048_576, min: 0, max: 1e12, help: 'of a caller that may be relayed whatever their share' },
    memory: { type: 'switch', default: true, help: 'the ranking knows how a provider was reached before, and whether the caller has IPv6' },
    scouting: { type: 'switch', default: true, help: 'after a relayed answer the other providers are connected too' },
    patience: { type: 'switch', default: true, help: 'a call waits for a better path that is being tried' }
  },
  metrics: {
    relayedBytes: { unit: 'share', help: 'bytes of answers that came through a relay' },
    relayedAnswers: { unit: 'share', help: 'answers that came through a relay' },
    punchedBytes: { unit: 'share', help: 'bytes of answers over punched connections' },
    relayedExpected: { unit: 'share', help: 'relayed bytes, if as many callers could use a relay only as the mix has on average' },
    relayOnlyExpected: { unit: 'share', help: 'of callers that reach no provider of a model but through a relay, as computed from the mix' },
    relayOnlyBytes: { unit: 'share', help: 'bytes of answers to callers that reached no provider of the model but through a relay' },
    relayedWithChoice: { unit: 'share', help: 'relayed bytes, of answers to the other callers' },
    avoidableBytes: { unit: 'share', help: 'bytes that came through a relay from a provider to which a better way exists' },
    answers: { unit: 'count', help: 'answers that came whole' },
    cut: { unit: 'count', help: 'answers that a relay cut off' },
    failed: { unit: 'count', help: 'calls for which no provider was left' },
    refused: { unit: 'count', help: 'circuits that a relay refused' },
    firstTokenP50: { unit: 'ms', help: 'from a call to its first token, without the time of the model' },
    firstTokenP95: { unit: 'ms', help: 'the same' },
    wholeP50: { unit: 'ms', help: 'from a call to its last token' },
    wholeP95: { unit: 'ms', help: 'the same' }
  },
  small: { callers: 300, models: 90, hours: 6 },
  estimateMemoryBytes: ({ callers, hours, chats, turns }) => 100_000_000 + callers * (30_000 + 100 * hours * chats * turns),

  run ({ options, seed, progress, record, check, distribution }) {
    const { population } = relayMixOf(options.mix)
    const skills = { portMapping: options.portMapping, webrtc: options.webrtc }
    const world = new RelayWorld({
      ...options,
      seed,
      stream: WORLD,
      population,
      skills,
      sessions: options.sessions === 'ipfs' ? ipfsSessions() : mainlineSessions(),
      chatsPerHour: options.chats,
      think: { medianMs: 1_000 * options.think, spread: 1 },
      answer: { medianTokens: options.tokens, spread: 1 },
      speed: { median: 40, spread: options.speedSpread },
      roundTrip: { medianMs: 60, spread: 0.5 },
      firstAttempt: FIRST_ATTEMPT,
      relays: Math.max(2, Math.ceil(options.models * options.providers / PROVIDERS_OF_A_RELAY)),
      relay: () => new RelayLedger(),
      choose: chooserOf(options.memory),
      budget: { share: options.budgetShare, freeBytes: options.budgetFreeBytes },
      patienceMs: options.patience ? PUNCH_PATIENCE_MS : 0
    })
    world.run(WARM_UP_HOURS, undefined, part => { progress(part / 5, 1) })
    const tally = world.run(options.hours, 'counted', part => { progress((1 + 4 * part) / 5, 1) })
    const { answers, bytes } = tally.all
    const relayed = tally.bytes.relayed / bytes
    const only = tally.relayOnlyBytes / bytes
    const withChoice = (relayed - only) / (1 - only)
    const expectedOnly = relayOnlyShare(population, skills, options.providers, options.punchSuccess)
    // which providers stand in a run weighs more than all that callers do: their part is known exactly
    const expected = expectedOnly + (1 - expectedOnly) * withChoice
    record('relayedBytes', relayed)
    record('relayedExpected', expected)
    record('relayOnlyExpected', expectedOnly)
    record('relayedAnswers', tally.answers.relayed / answers)
    record('punchedBytes', tally.bytes.punched / bytes)
    record('relayOnlyBytes', only)
    record('relayedWithChoice', withChoice)
    record('avoidableBytes', tally.avoidableBytes / bytes)
    record('answers', answers)
    record('cut', tally.cut)
    record('failed', tally.failed)
    record('refused', Object.values(tally.refused).reduce((sum, count) => sum + count, 0))
    const first = Float64Array.from(Object.values(tally.firstTokenMs).flat()).sort()
    const whole = Float64Array.from(tally.wholeMs).sort()
    record('firstTokenP50', at(first, 0.5))
    record('firstTokenP95', at(first, 0.95))
    record('wholeP50', at(whole, 0.5))
    record('wholeP95', at(whole, 0.95))
    distribution('first token', first, 'ms')
    distribution('first token of relayed answers', tally.firstTokenMs.relayed.length === 0 ? [0] : tally.firstTokenMs.relayed, 'ms')

    const rules = options.memory && options.scouting && options.patience && options.portMapping && options.webrtc
    if (rules && options.mix === 'mobile' && options.providers >= 3 && options.punchSuccess >= PUNCH_SUCCESS) {
      check('less than 5 % of the bytes are relayed, as many callers having nothing but a relay as the mix has', expected < MOST,
        `${percent(expected)}; ${percent(relayed)} in this run`)
      check('where a provider can be reached without a relay, relays carry less than the budget allows', withChoice < options.budgetShare,
        percent(withChoice))
    }
    check('every answer that a relay began came whole', tally.cut === 0, `${tally.cut} of ${tally.answers.relayed + tally.cut} were cut off`)
    check('every call was answered, those that only a relay can carry too', tally.failed === 0,
      `${tally.failed} of ${answers + tally.failed} were not; ${tally.relayOnly} could come through a relay only`)
  }
})

function chooserOf (hasMemory: boolean): ChooseProvider {
  return (known, { nowMs, isBudgetSpent, hasIPv6, random }) => {
    const views = new Map(known.map(one => [one.peer, hasMemory ? one : { ...one, lastPath: undefined, isStuck: false }]))
    const [best] = rankOffers(known.map(offerOf), {
      region: '',
      nowMs,
      isBudgetSpent,
      hasIPv6: hasIPv6 || !hasMemory,
      random,
      view: peer => views.get(peer) as KnownProvider
    })
    return best?.offer.peer as string
  }
}

/** All alike, but for what a caller of this world knows. */
function offerOf ({ addresses, maxConcurrent, peer, queueDepth, tokensPerSecond }: KnownProvider): Parameters<typeof rankOffers>[0][number] {
  return {
    peer,
    model: 'model',
    tasks: ['chat'],
    effectiveContext: 0,
    tokensPerSecond,
    queueDepth,
    maxConcurrent,
    priceMicros: 0,
    region: '',
    tier: 2,
    deterministic: false,
    addresses,
    seq: 1,
    issuedAtMs: 0,
    expiresAtMs: Infinity,
    withdrawn: false
  }
}

function at (sorted: Float64Array, share: number): number {
  return sorted[Math.floor(share * (sorted.length - 1))] as number
}

function percent (value: number): string {
  return `${(100 * value).toFixed(2)} %`
}
