/** Measures what a peer can do: its memory by a challenge, the speed of a model by asking it. What comes of claims that were tested is evidence. */
import { deadline } from '@skein/core'
import { InferenceError } from '@skein/inference'
import { evidenceOfClaims, HONESTY_SERVICE, judgeClaims, tokenMeasurement } from '@skein/reputation'
import { CapabilityError } from '@skein/reputation/libp2p'
import { checkSpeed } from './speed-check.ts'
import type { Clock, Random } from '@skein/core'
import type { Offer } from '@skein/records'
import type { CapabilityClaims, CapabilityMeasurement, ClaimJudgement, ReputationLedger } from '@skein/reputation'
import type { CapabilityService } from '@skein/reputation/libp2p'
import type { FindOffers, AskProvider } from './peer-checks.ts'

export interface MeasureOptions {
  /**
   * Size of the buffer the peer is asked to fill, bytes: a power of two from 64 MiB to 4 GiB. 0 leaves memory out.
   *
   * @default 268_435_456
   */
  memoryBytes?: number
  /** A model that it serves, to be timed; left out, no tokens are */
  model?: string
  /** What it says of itself, to be compared; the speed of the model is taken from its offer */
  claims?: CapabilityClaims
  signal?: AbortSignal
}

export interface PeerMeasurement extends CapabilityMeasurement {
  /** What of its claims could be tested, and how they came out */
  judgements: ClaimJudgement[]
  /** Why its memory was not measured, when only the model was */
  memoryProblem?: CapabilityError
}

/** What a measurement needs of the world. */
export interface MeasuringWorld {
  capability: CapabilityService
  ledger: ReputationLedger
  clock: Clock
  random: Random
  find: FindOffers
  ask: AskProvider
}

const DEFAULT_MEMORY_BYTES = 256 * 1024 * 1024
const FIND_TIMEOUT_MS = 10_000
const ASK_LIMITS = { timeoutMs: 120_000, firstDeltaTimeoutMs: 60_000 }

/**
 * @throws {CapabilityError} when memory alone was to be measured, and was not
 * @throws {InferenceError} when the model was to be timed, and was not
 */
export async function measurePeer (world: MeasuringWorld, peer: string, options: MeasureOptions): Promise<PeerMeasurement> {
  const { memoryBytes = DEFAULT_MEMORY_BYTES, model, claims = {}, signal } = options
  const { ledger, clock } = world
  const measured: CapabilityMeasurement = { peer, atMs: clock.nowMs() }
  let claimed = claims
  // the model first: filling a buffer would slow it down
  if (model !== undefined) {
    const offer = await offerOf(world, peer, model, signal)
    claimed = { tokensPerSecond: offer.tokensPerSecond, queueDepth: offer.queueDepth, ...claims }
    const asking = signal ?? new AbortController().signal
    const speed = await checkSpeed({ ...world, ask: (of, request) => world.ask(of, request, { ...ASK_LIMITS, signal: asking }) }, offer)
    Object.assign(measured, tokenMeasurement(model, speed))
  }
  let memoryProblem: CapabilityError | undefined
  if (memoryBytes > 0) {
    memoryProblem = await measureMemory(world, measured, memoryBytes, signal)
    if (memoryProblem !== undefined && model === undefined) {
      throw memoryProblem
    }
  }
  const judgements = judgeClaims(claimed, measured, memoryBytes)
  ledger.onEvidence(peer, HONESTY_SERVICE, evidenceOfClaims(judgements), clock.nowMs())
  return { ...measured, judgements, ...memoryProblem === undefined ? {} : { memoryProblem } }
}

/** `undefined` when it is measured; what the peer opened wrongly is evidence against it. */
async function measureMemory (
  { capability, ledger, clock }: MeasuringWorld, measured: CapabilityMeasurement, bytes: number, signal: AbortSignal | undefined
): Promise<CapabilityError | undefined> {
  try {
    Object.assign(measured, await capability.measureMemory(measured.peer, { bytes, signal }))
    return undefined
  } catch (error) {
    if (!(error instanceof CapabilityError)) {
      throw error
    }
    if (error.code === 'wrong') {
      ledger.onEvidence(measured.peer, HONESTY_SERVICE, { bad: 1 }, clock.nowMs())
    }
    return error
  }
}

async function offerOf ({ clock, find }: MeasuringWorld, peer: string, model: string, signal: AbortSignal | undefined): Promise<Offer> {
  const limit = deadline(clock, FIND_TIMEOUT_MS, [signal])
  try {
    for await (const offer of find({ model }, limit.signal)) {
      if (offer.peer === peer) {
        return offer
      }
    }
  } finally {
    limit.clear()
  }
  throw new InferenceError('no_provider', `No offer of ${model} by ${peer} was found`)
}
