/** From bytes to text as it comes: never half a character, never a part of a stop string. */

export class TextStream {
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  private readonly stops: readonly string[]
  private held = ''
  private didStop = false

  /** @param stops strings that end the text and are no part of it */
  constructor (stops: readonly string[] = []) {
    this.stops = stops.filter(stop => stop !== '')
  }

  /** A stop string was found; nothing comes after it. */
  get stopped (): boolean {
    return this.didStop
  }

  /** What can be shown now. */
  push (bytes: Uint8Array): string {
    return this.take(this.decoder.decode(bytes, { stream: true }), false)
  }

  /** What was held back, when the text ends here. */
  end (): string {
    return this.take(this.decoder.decode(), true)
  }

  private take (added: string, isLast: boolean): string {
    if (this.didStop) {
      return ''
    }
    const text = this.held + added
    const found = this.stops.map(stop => text.indexOf(stop)).filter(index => index >= 0)
    if (found.length > 0) {
      this.didStop = true
      return text.slice(0, Math.min(...found))
    }
    const keep = isLast ? 0 : Math.max(0, ...this.stops.map(stop => overlap(text, stop)))
    this.held = text.slice(text.length - keep)
    return text.slice(0, text.length - keep)
  }
}

/** Length of the longest end of `text` with which `stop` begins. */
function overlap (text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) {
      return length
    }
  }
  return 0
}
