/** Server-sent events (WHATWG HTML, 9.2.6), the part that OpenAI-compatible servers use: the data of each event. */

export interface SseParserInit {
  /**
   * Most characters of one event.
   *
   * @default 4_194_304
   */
  maxEventChars?: number
}

export class SseParser {
  private readonly maxEventChars: number
  private readonly decoder = new TextDecoder() // drops a byte order mark at the start, as the specification asks
  private rest = ''
  private data?: string
  private afterCr = false

  constructor (init: SseParserInit = {}) {
    this.maxEventChars = init.maxEventChars ?? 4 * 1024 * 1024
  }

  /**
   * The data of the events that `chunk` completes. What an unfinished event holds at the end of the stream does not count.
   *
   * @throws {RangeError} when an event is longer than allowed
   */
  push (chunk: Uint8Array): string[] {
    const events: string[] = []
    let text = this.decoder.decode(chunk, { stream: true })
    if (this.afterCr && text.startsWith('\n')) {
      text = text.slice(1) // the second half of a CRLF
    }
    if (text !== '') {
      this.afterCr = text.endsWith('\r')
    }
    const lines = (this.rest + text).split(/\r\n|\n|\r/)
    this.rest = lines.pop() as string
    for (const line of lines) {
      this.onLine(line, events)
    }
    if (this.rest.length + (this.data?.length ?? 0) > this.maxEventChars) {
      throw new RangeError(`An event is longer than ${this.maxEventChars} characters`)
    }
    return events
  }

  private onLine (line: string, events: string[]): void {
    if (line === '') {
      if (this.data != null) {
        events.push(this.data)
      }
      this.data = undefined
      return
    }
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon) // a comment has the empty name
    if (field !== 'data') {
      return
    }
    const from = colon < 0 ? line.length : line[colon + 1] === ' ' ? colon + 2 : colon + 1
    this.data = this.data == null ? line.slice(from) : `${this.data}\n${line.slice(from)}`
  }
}
