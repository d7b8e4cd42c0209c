/** `skein find`: who serves a model. */
import { deadline } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { createPeer, InferenceError } from '@skein/peer'
import { visitorInit } from '../node-options.ts'
import type { CommandContext } from '../command-context.ts'
import type { ProviderExplanation } from '@skein/peer'
import type { Offer } from '@skein/records'

export interface FindCommandOptions {
  seed: string[]
  region: string
  wanted: number
  timeout: number
  why?: boolean
  data?: string
}

export async function find ({ output, stop }: CommandContext, options: FindCommandOptions, model: string): Promise<void> {
  const clock = systemClock()
  const limit = deadline(clock, options.timeout * 1000, [stop])
  const peer = await createPeer({
    // what is thought of others is in the folder of the peer that asked them; without one they are all strangers
    ...visitorInit(options, output),
    region: options.region,
    signal: limit.signal
  })
  let found = 0

  try {
    if (options.why === true) {
      const { providers } = await peer.explain(model, { signal: limit.signal, limit: options.wanted, wanted: options.wanted })
      for (const provider of providers) {
        output.event('provider', { ...provider }, explain(provider, clock.nowMs()))
      }
      found = providers.length
    } else {
      for await (const offer of peer.findModel(model, { signal: limit.signal, limit: options.wanted })) {
        output.event('offer', { offer }, describe(offer, clock.nowMs()))
        if (++found >= options.wanted) {
          break
        }
      }
    }
  } finally {
    limit.clear()
    await peer.stop()
  }
  if (found === 0) {
    throw new InferenceError('no_provider', options.seed.length === 0
      ? `Nobody to ask for ${model}: name a seed or peer with --seed`
      : `No peer offers ${model} now`)
  }
  output.event('found', { model, offers: found }, `${found} ${found === 1 ? 'peer serves' : 'peers serve'} ${model}`)
}

function explain ({ offer, reasons }: ProviderExplanation, nowMs: number): string {
  return [describe(offer, nowMs), ...reasons.map(reason => `  ${reason}`)].join('\n')
}

function describe (offer: Offer, nowMs: number): string {
  return [
    offer.peer,
    offer.region === '' ? 'no region' : offer.region,
    `tier ${offer.tier}`,
    offer.tokensPerSecond > 0 ? `${offer.tokensPerSecond.toFixed(0)} tokens/s` : 'speed unknown',
    offer.effectiveContext > 0 ? `context ${offer.effectiveContext}` : 'context unknown',
    `load ${offer.queueDepth}/${offer.maxConcurrent}`,
    offer.priceMicros > 0 ? `${(offer.priceMicros / 1e6).toFixed(2)} USD/M tokens` : 'free',
    `for ${Math.max(0, Math.round((offer.expiresAtMs - nowMs) / 1000))} s`
  ].join('  ')
}
