/** `skein trace`: each step of finding a provider of a model and reaching it, with its time. */
import { multiaddr } from '@multiformats/multiaddr'
import { deadline, sleep } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { createPeer, InferenceError } from '@skein/peer'
import { peerIdFromString } from '@libp2p/peer-id'
import { dialProblem } from '../doctor/dial-problem.ts'
import { visitSeeds } from '../doctor/seed-visit.ts'
import { visitorInit } from '../node-options.ts'
import { wayTo } from '../reached-peer.ts'
import { TraceOutput } from '../trace-output.ts'
import type { Peer, ProviderExplanation } from '@skein/peer'
import type { Offer } from '@skein/records'
import type { LookupStep } from '@skein/routing/libp2p'
import type { CommandContext } from '../command-context.ts'

export interface TraceCommandOptions {
  seed: string[]
  region: string
  wanted: number
  timeout: number
  call?: string | true
  data?: string
}

const QUESTION = 'Call me'
/** A better way than a relay is found in this time, or not at all for this purpose. */
const BETTER_PATH_MS = 3_000
const LOOK_MS = 50

export async function trace ({ output, stop }: CommandContext, options: TraceCommandOptions, model: string): Promise<void> {
  const clock = systemClock()
  const limit = deadline(clock, options.timeout * 1_000, [stop])
  const { signal } = limit
  const told = new TraceOutput(output, clock)
  const peer = await createPeer({
    ...visitorInit(options, output),
    region: options.region,
    signal
  })
  try {
    const { connections } = peer.stats()
    told.step('joined', { connections }, `joined: ${connections} ${connections === 1 ? 'connection' : 'connections'}`)
    for (const { address, answered, roundTripMs, problem } of await visitSeeds(peer, options.seed, clock, signal)) {
      told.step('seed', { address, answered, roundTripMs, problem }, answered
        ? `seed ${address}: ${(roundTripMs ?? 0).toFixed(0)} ms away`
        : `seed ${address}: ${problem ?? 'no answer'}`)
    }
    await lookUp(peer, model, options, told, signal)
    const providers = await rank(peer, model, options, told, signal)
    const first = providers.find(({ place }) => place === 1)
    if (first === undefined) {
      throw new InferenceError('no_provider', `No peer offers ${model} now`)
    }
    await dial(peer, first.offer, told, signal)
    if (options.call !== undefined) {
      await call(peer, model, options.call === true ? QUESTION : options.call, told, signal)
    }
    told.step('end', { model }, 'done')
  } finally {
    limit.clear()
    await peer.stop()
  }
}

/** All of it, whatever is known already: what is wanted is to see the lookup. */
async function lookUp (
  peer: Peer, model: string, { wanted }: TraceCommandOptions, told: TraceOutput, signal: AbortSignal
): Promise<void> {
  const counts = { asked: 0, answered: 0, failed: 0, offers: 0 }
  told.step('lookup', { model }, `looking for ${model}`)
  const onStep = (step: LookupStep): void => {
    const { type, atMs, ...fields } = step
    if (type !== 'ended') {
      counts[type]++
    }
    told.stepAt(atMs, `lookup-${type}`, fields, lookupLine(step))
  }
  for await (const { peer: provider, region, addresses } of peer.findModel(model, { signal, limit: wanted, cache: false, onStep })) {
    counts.offers++
    told.step('offer', { provider, region, addresses }, `offer of ${provider}${region === '' ? '' : ` in ${region}`}`)
    if (counts.offers >= wanted) {
      break
    }
  }
  told.step('found', { ...counts }, `found ${counts.offers} ${counts.offers === 1 ? 'offer' : 'offers'}: ${counts.asked} peers asked, ` +
    `${counts.answered} answered, ${counts.failed} failed`)
}

function lookupLine (step: LookupStep): string | undefined {
  switch (step.type) {
    case 'asked': return `ask ${step.peer} (${step.sharedBits} bits in common with key ${step.key.slice(0, 8)}…)`
    case 'answered': return `${step.peer} answered in ${step.tookMs.toFixed(0)} ms: ${step.offers} offers, ${step.closer} closer peers`
    case 'failed': return `${step.peer} did not answer, after ${step.tookMs.toFixed(0)} ms: ${step.reason}`
    case 'ended': return step.complete ? 'the lookup is complete' : 'the lookup ended early'
  }
}

async function rank (
  peer: Peer, model: string, { wanted }: TraceCommandOptions, told: TraceOutput, signal: AbortSignal
): Promise<ProviderExplanation[]> {
  const { providers } = await peer.explain(model, { signal, limit: wanted, wanted })
  for (const { peer: provider, place, costMs, parts, reasons } of providers) {
    told.step('ranked', { provider, place, costMs, parts, reasons },
      [`${place === undefined ? 'left out' : `rank ${place}`}: ${provider}`, ...reasons.map(reason => `      ${reason}`)].join('\n'))
  }
  return providers
}

async function dial (peer: Peer, { peer: provider, addresses }: Offer, told: TraceOutput, signal: AbortSignal): Promise<void> {
  const clock = systemClock()
  const id = peerIdFromString(provider)
  const wasConnected = wayTo(peer, id) !== undefined
  const startMs = clock.nowMs()
  try {
    const suffix = `/p2p/${provider}`
    await peer.libp2p.dial(wasConnected || addresses.length === 0
      ? id
      : addresses.map(address => multiaddr(address.endsWith(suffix) ? address : address + suffix)), { signal })
  } catch (error) {
    signal.throwIfAborted()
    told.step('dial-failed', { provider, problem: dialProblem(error) }, `dialling ${provider} failed: ${dialProblem(error)}`)
    return
  }
  const tellPath = (): string | undefined => {
    const way = wayTo(peer, id)
    const address = way?.connection.remoteAddr.toString()
    const tookMs = clock.nowMs() - startMs
    told.step('path', { provider, path: way?.path, address, tookMs, wasConnected },
      `${wasConnected ? 'connected already' : `reached in ${tookMs.toFixed(0)} ms`}, ${way?.path ?? 'lost'}: ${address ?? ''}`)
    return way?.path
  }
  if (tellPath() === 'relayed') {
    const untilMs = clock.nowMs() + BETTER_PATH_MS
    while (clock.nowMs() < untilMs && wayTo(peer, id)?.path === 'relayed') {
      await sleep(clock, LOOK_MS, { signal })
    }
    if (wayTo(peer, id)?.path !== 'relayed') {
      tellPath()
    }
  }
}

async function call (peer: Peer, model: string, question: string, told: TraceOutput, signal: AbortSignal): Promise<void> {
  const clock = systemClock()
  const startMs = clock.nowMs()
  const answer = peer.chat({ model, messages: [{ role: 'user', content: question }] }, { signal })
  let firstMs: number | undefined
  let text = ''
  for await (const piece of answer.textStream()) {
    if (firstMs === undefined) {
      firstMs = clock.nowMs() - startMs
      const { peer: provider, path, attempts } = await answer.route
      told.step('first-token', { provider, path, attempts, tookMs: firstMs }, `first token after ${firstMs.toFixed(0)} ms from ${provider}, ${path}` +
        (attempts > 1 ? `, the ${attempts}. that was tried` : ''))
    }
    text += piece
  }
  const tookMs = clock.nowMs() - startMs
  told.step('answer', { characters: text.length, tookMs }, `answer of ${text.length} characters after ${tookMs.toFixed(0)} ms`)
}
