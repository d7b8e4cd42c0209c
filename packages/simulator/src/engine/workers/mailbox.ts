/** Records on their way from one thread to another: gathered by the sender, handed over in pieces that fit the shared memory between the two. */

/** More is on its way between two threads than may be. */
export class MailboxFullError extends Error {
  static override name = 'MailboxFullError'
  override readonly name = 'MailboxFullError'
  readonly maxBytes: number

  constructor (maxBytes: number) {
    super(`More than ${maxBytes} bytes are on their way between two threads: raise maxOutboxBytes, or use fewer threads`)
    this.maxBytes = maxBytes
  }
}

/** What one thread has for another, in its own memory. Records are numbers of 32 bits, each preceded by how many there are. */
export class Outbox {
  private words = new Int32Array(1024)
  private used = 0
  private sent = 0
  private readonly maxWords: number

  constructor (maxBytes: number) {
    this.maxWords = maxBytes >>> 2
  }

  /** Makes room for a record of so many words and says where it begins in `memory`. */
  add (length: number): number {
    const end = this.used + length + 1
    if (end > this.words.length) {
      if (end > this.maxWords) {
        throw new MailboxFullError(this.maxWords * 4)
      }
      const larger = new Int32Array(Math.min(this.maxWords, Math.max(end, this.words.length * 2)))
      larger.set(this.words)
      this.words = larger
    }
    this.words[this.used] = length
    const at = this.used + 1
    this.used = end
    return at
  }

  get memory (): Int32Array {
    return this.words
  }

  /** Puts as many whole records as fit into shared memory, whose first word says how many words follow. Returns whether any are left. */
  post (mailbox: Int32Array): boolean {
    const from = this.sent
    let to = from
    while (to < this.used) {
      const next = to + (this.words[to] as number) + 1
      if (next - from > mailbox.length - 1) {
        break
      }
      to = next
    }
    if (to === from && from < this.used) {
      const bytes = 4 * ((this.words[from] as number) + 1)
      throw new RangeError(`A message of ${bytes} bytes does not fit a mailbox of ${mailbox.byteLength}: raise mailboxBytes`)
    }
    mailbox.set(this.words.subarray(from, to), 1)
    mailbox[0] = to - from
    this.sent = to
    if (to < this.used) {
      return true
    }
    this.used = 0
    this.sent = 0
    return false
  }
}

/** Reads what another thread has posted: calls with where each record begins, and its length. */
export function readMailbox (mailbox: Int32Array, onRecord: (memory: Int32Array, at: number, length: number) => void): void {
  const end = (mailbox[0] as number) + 1
  for (let at = 1; at < end;) {
    const length = mailbox[at] as number
    onRecord(mailbox, at + 1, length)
    at += length + 1
  }
  mailbox[0] = 0
}
