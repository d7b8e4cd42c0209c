/** A byte-level BPE tokenizer: 256 bytes, one end mark, and a list of merges in the order in which they were learned. */

export type Merge = readonly [left: number, right: number]

/** The token that stands before a text and after it. */
export const END_TOKEN = 256
const FIRST_MERGED_TOKEN = 257

/**
 * Pieces that no merge crosses. ASCII classes only, because those of Unicode change with the engine's tables; bounded, so that
 * encoding is linear in the text whatever the text is.
 */
const PIECE = /'(?:s|t|d|m|ll|re|ve)(?![A-Za-z])| ?[A-Za-z]{1,24}| ?[0-9]{1,8}| ?[^A-Za-z0-9 \n]{1,8}|\n{1,8}| {1,8}/gu

const utf8 = new TextEncoder()

export function * splitPieces (text: string): Generator<Uint8Array> {
  for (const match of text.matchAll(PIECE)) {
    yield utf8.encode(match[0])
  }
}

export class Tokenizer {
  readonly vocabSize: number
  readonly merges: readonly Merge[]
  private readonly bytes: Uint8Array[]
  /** left × vocabSize + right → rank */
  private readonly ranks = new Map<number, number>()

  constructor (merges: readonly Merge[]) {
    this.merges = merges
    this.vocabSize = FIRST_MERGED_TOKEN + merges.length
    this.bytes = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte))
    this.bytes.push(new Uint8Array(0))
    for (const [rank, [left, right]] of merges.entries()) {
      const token = FIRST_MERGED_TOKEN + rank
      if (left >= token || right >= token || left === END_TOKEN || right === END_TOKEN) {
        throw new RangeError(`Merge ${rank} names a token that does not exist before it`)
      }
      this.bytes.push(Uint8Array.of(...this.bytesOf(left), ...this.bytesOf(right)))
      this.ranks.set(left * this.vocabSize + right, rank)
    }
  }

  encode (text: string): number[] {
    const ids: number[] = []
    for (const piece of splitPieces(text)) {
      for (const id of this.encodePiece(piece)) {
        ids.push(id)
      }
    }
    return ids
  }

  /** The tokens of one piece of `splitPieces`: joins the pair of the lowest rank until none is left. */
  encodePiece (piece: Uint8Array): number[] {
    const ids = Array.from(piece)
    while (ids.length > 1) {
      let best = this.merges.length
      for (let i = 0; i + 1 < ids.length; i++) {
        const rank = this.ranks.get(ids[i] as number * this.vocabSize + (ids[i + 1] as number))
        if (rank != null && rank < best) {
          best = rank
        }
      }
      const merge = this.merges[best]
      if (merge == null) {
        break
      }
      replacePair(ids, merge, FIRST_MERGED_TOKEN + best)
    }
    return ids
  }

  /** The bytes a token stands for; none for the end mark. */
  bytesOf (id: number): Uint8Array {
    const bytes = this.bytes[id]
    if (bytes == null) {
      throw new RangeError(`Token ${id} is not in the vocabulary`)
    }
    return bytes
  }

  /** Text of the tokens; what is not valid UTF-8 becomes U+FFFD. */
  decode (ids: Iterable<number>): string {
    const decoder = new TextDecoder()
    let text = ''
    for (const id of ids) {
      text += decoder.decode(this.bytesOf(id), { stream: true })
    }
    return text + decoder.decode()
  }
}

/** Learns merges from a text: each time the most frequent pair, of equals the one with the lower ids. */
export function learnMerges (text: string, vocabSize: number): Merge[] {
  const words = new Map<string, { ids: number[], count: number }>()
  for (const piece of splitPieces(text)) {
    const key = String.fromCharCode(...piece)
    const word = words.get(key)
    if (word == null) {
      words.set(key, { ids: Array.from(piece), count: 1 })
    } else {
      word.count++
    }
  }

  const merges: Merge[] = []
  const counts = new Int32Array(vocabSize * vocabSize)
  for (let token = FIRST_MERGED_TOKEN; token < vocabSize; token++) {
    counts.fill(0)
    for (const { ids, count } of words.values()) {
      for (let i = 0; i + 1 < ids.length; i++) {
        const pair = ids[i] as number * vocabSize + (ids[i + 1] as number)
        counts[pair] = counts[pair] as number + count
      }
    }
    let best = 0
    for (let pair = 1; pair < counts.length; pair++) {
      if (counts[pair] as number > (counts[best] as number)) {
        best = pair
      }
    }
    if (counts[best] === 0) {
      break
    }
    const merge: Merge = [Math.floor(best / vocabSize), best % vocabSize]
    merges.push(merge)
    for (const { ids } of words.values()) {
      replacePair(ids, merge, token)
    }
  }
  return merges
}

function replacePair (ids: number[], [left, right]: Merge, token: number): void {
  let length = 0
  for (let i = 0; i < ids.length; i++) {
    const isPair = ids[i] === left && ids[i + 1] === right
    ids[length++] = isPair ? token : ids[i] as number
    if (isPair) {
      i++
    }
  }
  ids.length = length
}
