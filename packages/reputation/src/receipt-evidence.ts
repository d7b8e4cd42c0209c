/** What a receipt says of the one who served. */
import type { Receipt } from '@skein/records'

/** The service that a receipt is about, as reputation keeps it: an inference counts alike whatever the model. */
export function serviceOf ({ kind }: Receipt): string {
  return kind
}

/**
 * Success or failure of the provider. An answer that was cut off is as bad as none: it cost the caller as much. A refusal is neither: one that says
 * at once that it is busy is honest, and its load is for ranking to see.
 */
export function evidenceOf ({ outcome }: Receipt): { good?: number, bad?: number } {
  switch (outcome) {
    case 'complete':
      return { good: 1 }
    case 'failed':
    case 'truncated':
      return { bad: 1 }
    case 'refused':
      return {}
  }
}
