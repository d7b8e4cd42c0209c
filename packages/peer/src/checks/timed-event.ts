/** What of an answer's events the timer of an answer is told. */
import type { InferenceEvent } from '@skein/inference'
import type { AnswerTimer } from '@skein/reputation'

const encoder = new TextEncoder()

export function timeEvent (timer: AnswerTimer, event: InferenceEvent, nowMs: number): void {
  if (event.type === 'delta') {
    timer.onPiece(encoder.encode(event.text).length, nowMs)
  } else if (event.type === 'usage') {
    timer.onUsage(Number(event.usage.completion_tokens))
  }
}
