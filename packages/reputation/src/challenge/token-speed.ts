/** How fast an answer came, as its reader saw it: time to the first content, and tokens a second. Pure; fed with each piece of content. */

export interface TokenSpeed {
  /** As few tokens as the content can have been: what ranks must go by */
  tokensPerSecond: number
  /** As many as it can have been: what blame must go by */
  mostTokensPerSecond: number
  /** From the request to the first content, ms */
  firstTokenMs: number
  /** Pieces of content */
  pieces: number
}

/** An answer shorter than this says little about speed. */
export const MIN_PIECES = 8
/** English has 3 to 4 bytes a token: one who cuts tokens into letters to seem fast gains less than twice. */
const FEWEST_BYTES_PER_TOKEN = 2
/** Content given at once after a long silence was not made in no time: the time it came in counts as half of the whole at least. */
const FEWEST_STREAMED_SHARE = 0.5

export class AnswerTimer {
  private readonly startMs: number
  private firstMs?: number
  private pieces = 0
  private bytes = 0
  private told = 0

  constructor (nowMs: number) {
    this.startMs = nowMs
  }

  /** Content has come, this many bytes of UTF-8. */
  onPiece (bytes: number, nowMs: number): void {
    this.firstMs ??= nowMs
    this.pieces++
    this.bytes += bytes
  }

  /** The provider told how many tokens it has generated. */
  onUsage (tokens: number): void {
    this.told = Number.isFinite(tokens) ? tokens : 0
  }

  /** The answer is whole; `undefined` when it was too short to tell. */
  end (nowMs: number): TokenSpeed | undefined {
    const { startMs, firstMs, pieces, bytes, told } = this
    if (firstMs === undefined || pieces < MIN_PIECES || nowMs <= startMs) {
      return undefined
    }
    // the first piece was made before the time that counts
    const seconds = Math.max(nowMs - firstMs, (nowMs - startMs) * FEWEST_STREAMED_SHARE) / 1000
    const fewest = Math.min(pieces, bytes / FEWEST_BYTES_PER_TOKEN)
    const most = Math.max(pieces, Math.min(told, bytes))
    return {
      tokensPerSecond: Math.max(0, fewest - 1) / seconds,
      // a server that gives several tokens at a time must not be blamed for it
      mostTokensPerSecond: most / (Math.max(nowMs - firstMs, 1) / 1000),
      firstTokenMs: firstMs - startMs,
      pieces
    }
  }
}

/** What a model is asked when its speed is measured; the nonce keeps the answer from being kept ready. */
export function measurementPrompt (nonce: string): string {
  return `${nonce}: write on, about whatever comes to mind.`
}
