/** `skein srtla status`: the streams and links of a receiver or a sender, on a terminal. */
import { deadline, sleep } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { statusLines } from '../srtla-text.ts'
import type { CommandContext } from '../command-context.ts'
import type { LinkedStats, Rates } from '../srtla-text.ts'

export interface SrtlaStatusOptions {
  once?: boolean
  interval: number
}

/** Nothing answered, or what answers is neither: check the address, and that the receiver or the sender runs. */
export class ReceiverSilentError extends Error {
  static override name = 'ReceiverSilentError'
  override readonly name = 'ReceiverSilentError'
  readonly url: string

  constructor (url: string, why: string, options?: ErrorOptions) {
    super(`${url} does not tell of a receiver or a sender: ${why}. Is "skein srtla receive" running there?`, options)
    this.url = url
  }
}

const TIMEOUT_MS = 5_000
const MAX_BYTES = 4 * 1024 * 1024
const CLEAR = '\u001b[H\u001b[2J'

export async function srtlaStatus ({ output, stop }: CommandContext, options: SrtlaStatusOptions, url: string): Promise<void> {
  const isLive = !output.json && options.once !== true && process.stdout.isTTY
  const clock = systemClock()
  let rates: Rates | undefined
  do {
    const stats = await askStats(url, stop)
    const nowMs = clock.nowMs()
    const lines = statusLines(stats, nowMs, rates)
    rates = { atMs: nowMs, stats }
    output.event('status', { ...stats }, `${isLive ? CLEAR : ''}${lines.join('\n')}`)
    if (isLive) {
      await sleep(clock, options.interval * 1_000, { signal: stop }).catch(() => {})
    }
  } while (isLive && !stop.aborted)
}

async function askStats (url: string, stop: AbortSignal): Promise<LinkedStats> {
  let text: string
  const limit = deadline(systemClock(), TIMEOUT_MS, [stop])
  try {
    const response = await fetch(/\/stats\b/.test(url) ? url : `${url.replace(/\/$/, '')}/stats`, {
      signal: limit.signal
    })
    text = await response.text()
    if (!response.ok || text.length > MAX_BYTES) {
      throw new ReceiverSilentError(url, `status ${response.status}`)
    }
  } catch (cause) {
    stop.throwIfAborted()
    if (cause instanceof ReceiverSilentError) {
      throw cause
    }
    throw new ReceiverSilentError(url, ((cause as Error).cause as Error | undefined)?.message ?? (cause as Error).message, { cause })
  } finally {
    limit.clear()
  }
  try {
    const stats = JSON.parse(text) as LinkedStats
    if (Array.isArray(stats.groups)) {
      return stats
    }
  } catch {}
  throw new ReceiverSilentError(url, 'its answer has no "groups"')
}
