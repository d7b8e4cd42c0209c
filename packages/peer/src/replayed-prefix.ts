/**
 * What of an answer the caller already has. Who is asked next is told, and sends the rest alone; one that does not know of that sends all of it, and
 * what is there is checked and left out here.
 */
import { continuationOf, InferenceError, MAX_CONTINUED_CHARS } from '@skein/inference'
import type { Continuation, InferenceEvent } from '@skein/inference'

/** Longest answer kept for a replay, characters; a longer one cannot be resumed. */
const MAX_KEPT_CHARACTERS = MAX_CONTINUED_CHARS

export class ReplayedPrefix {
  /** Pieces of content given to the caller */
  count = 0
  /** The head was given to the caller */
  headGiven = false
  private text = ''
  private plain = true
  /** Characters of the replay seen so far; `undefined` in the first attempt's own stream */
  private replayed = 0

  /** Only an answer of plain text can be taken up by another provider. */
  get replayable (): boolean {
    return this.plain
  }

  /** What the next one is told that it need not send; `undefined` when that is nothing. */
  get continuation (): Continuation | undefined {
    return this.plain && this.text !== '' ? continuationOf(this.text) : undefined
  }

  /** Another provider starts from the beginning, unless it says otherwise. */
  onRestart (): void {
    this.replayed = 0
  }

  /**
   * It goes on after so many characters.
   *
   * @throws {InferenceError} `stream_corrupt` when it was not asked to
   */
  onContinued (chars: number): void {
    if (chars !== this.text.length) {
      throw this.differs()
    }
    this.replayed = chars
  }

  /**
   * What the caller should get of this event: nothing while it repeats what is there.
   *
   * @throws {InferenceError} `stream_corrupt` when a replay says something else than the first provider did
   */
  onEvent (event: InferenceEvent): InferenceEvent | undefined {
    const known = this.text.length - this.replayed
    if (known <= 0) {
      this.take(event)
      return event
    }
    if (event.type !== 'delta') {
      if (event.type === 'usage') {
        return undefined
      }
      throw this.differs()
    }
    const overlap = event.text.slice(0, known)
    if (!this.text.startsWith(overlap, this.replayed)) {
      throw this.differs()
    }
    this.replayed += overlap.length
    const rest = event.text.slice(overlap.length)
    if (rest === '') {
      return undefined
    }
    const fresh: InferenceEvent = { type: 'delta', text: rest }
    this.take(fresh)
    return fresh
  }

  /** The answer is whole. */
  onEnd (): void {
    if (this.replayed < this.text.length) {
      throw this.differs()
    }
  }

  private take (event: InferenceEvent): void {
    if (event.type === 'delta' || event.type === 'tool') {
      this.count++
    }
    if (event.type === 'tool' || event.type === 'finish' || (event.type === 'delta' && event.chunk != null)) {
      this.plain = false
    }
    if (event.type === 'delta' && this.plain) {
      this.text += event.text
      this.replayed = this.text.length
      if (this.text.length > MAX_KEPT_CHARACTERS) {
        this.plain = false
        this.text = ''
        this.replayed = 0
      }
    }
  }

  private differs (): InferenceError {
    return new InferenceError('stream_corrupt', 'Another provider gave a different answer, so the interrupted one cannot be resumed', {
      retryable: false,
      deltas: this.count
    })
  }
}
