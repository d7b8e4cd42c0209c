/** The speed of a model at one peer: a warm-up that loads it, then two answers to prompts that nobody can have ready; the faster one counts. */
import { randomBytes, toHex } from '@skein/core'
import { InferenceError } from '@skein/inference'
import { AnswerTimer, measurementPrompt } from '@skein/reputation'
import { timeEvent } from './timed-event.ts'
import type { Clock, Random } from '@skein/core'
import type { InferenceEvent, InferenceRequest } from '@skein/inference'
import type { Offer } from '@skein/records'
import type { TokenSpeed } from '@skein/reputation'

export interface SpeedCheckInit {
  clock: Clock
  random: Random
  ask: (offer: Offer, request: InferenceRequest) => AsyncIterable<InferenceEvent>
}

const WARM_UP_TOKENS = 2
const MEASURED_TOKENS = 96
const TRIES = 2

/** @throws {InferenceError} when the peer does not answer, or says too little to be timed */
export async function checkSpeed ({ clock, random, ask }: SpeedCheckInit, offer: Offer): Promise<TokenSpeed> {
  let best: TokenSpeed | undefined
  for (let i = 0; i <= TRIES; i++) {
    const timer = new AnswerTimer(clock.nowMs())
    const request = requestOf(offer, toHex(randomBytes(random, 8)), i === 0 ? WARM_UP_TOKENS : MEASURED_TOKENS)
    for await (const event of ask(offer, request)) {
      timeEvent(timer, event, clock.nowMs())
    }
    const speed = i === 0 ? undefined : timer.end(clock.nowMs())
    if (speed !== undefined && speed.tokensPerSecond > (best?.tokensPerSecond ?? 0)) {
      best = speed
    }
  }
  if (best === undefined) {
    throw new InferenceError('backend_failed', `${offer.peer} says too little as ${offer.model} to be timed`, { peer: offer.peer, retryable: false })
  }
  return best
}

function requestOf ({ model, tasks }: Offer, nonce: string, tokens: number): InferenceRequest {
  const prompt = measurementPrompt(nonce)
  const sampling = { stream: true, temperature: 0, seed: 1, max_tokens: tokens }
  return tasks.includes('chat')
    ? { task: 'chat', model, body: { ...sampling, messages: [{ role: 'user', content: prompt }] } }
    : { task: 'completion', model, body: { ...sampling, prompt } }
}
