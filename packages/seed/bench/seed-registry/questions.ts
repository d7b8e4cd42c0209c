/** What nodes ask of a registry: models by popularity, mostly near themselves; and how the answers are measured. */
import { randomBelow } from '@skein/core'
import { knownRegions } from '@skein/routing'
import { modelName, MODELS, popular } from './population.ts'
import type { DiscoverPage, DiscoverQuery } from '../../src/index.ts'
import type { Random } from '@skein/core'

export function questionOf (random: Random): DiscoverQuery {
  const regions = knownRegions()
  const near = regions[popular(random, regions.length)]
  const asker = `asker${random.nextUint32()}`
  switch (randomBelow(random, 10)) {
    case 0: return { asker, near }
    case 1: return { asker, near, minTier: 1, minVramBytes: 2 ** 35 }
    case 2: return { asker, model: modelName(popular(random, MODELS)) }
    case 3: return { asker, near, model: modelName(popular(random, MODELS)), minTier: 2, minContext: 32_768, maxPriceMicros: 0, task: 'chat' }
    case 4: return { asker, near, model: modelName(randomBelow(random, MODELS)), region: near }
    default: return { asker, near, model: modelName(popular(random, MODELS)) }
  }
}

export function answerBytes (page: DiscoverPage): number {
  return page.envelopes.reduce((sum, envelope) => sum + envelope.length + 3, (page.cursor?.length ?? 0) + 3)
}

export function percentile (values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}
