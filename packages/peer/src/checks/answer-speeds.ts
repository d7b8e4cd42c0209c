/** How fast providers really answered this peer: of each provider and model the last answers, whatever it claims. */
import { BoundedMap } from '@skein/core'
import type { TokenSpeed } from '@skein/reputation'

export interface MeasuredSpeed {
  /** Median over the last answers, tokens/s */
  tokensPerSecond: number
  /** Median time from the request to the first content, ms */
  firstTokenMs: number
  /** Answers it stands on, 1 to 8 */
  answers: number
}

const MAX_KEPT = 4_096
/** The last of them tell what a provider is like now; the median of eight is not moved by one that met a busy moment. */
const MAX_ANSWERS = 8

export class AnswerSpeeds {
  private readonly speeds = new BoundedMap<string, TokenSpeed[]>({ maxSize: MAX_KEPT })

  onAnswer (peer: string, model: string, speed: TokenSpeed): void {
    const key = `${peer} ${model}`
    this.speeds.set(key, [...(this.speeds.get(key) ?? []).slice(1 - MAX_ANSWERS), speed])
  }

  /** `undefined` of one that gave no answer long enough to tell. */
  of (peer: string, model: string): MeasuredSpeed | undefined {
    const speeds = this.speeds.get(`${peer} ${model}`)
    return speeds && {
      tokensPerSecond: median(speeds.map(({ tokensPerSecond }) => tokensPerSecond)),
      firstTokenMs: median(speeds.map(({ firstTokenMs }) => firstTokenMs)),
      answers: speeds.length
    }
  }
}

/** The lower of two in the middle. */
function median (values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] as number
}
