/** Those that wait for something to change, all woken at once. */
import type { AbortOptions } from './abort-options.ts'

export class Wakeups {
  private next = Promise.withResolvers<void>()
  private isAwaited = false

  wake (): void {
    if (this.isAwaited) {
      this.isAwaited = false
      this.next.resolve()
      this.next = Promise.withResolvers<void>()
    }
  }

  async wait ({ signal }: AbortOptions = {}): Promise<void> {
    this.isAwaited = true
    const { promise } = this.next
    if (signal === undefined) {
      await promise
      return
    }
    signal.throwIfAborted()
    const aborted = Promise.withResolvers<never>()
    const onAbort = (): void => { aborted.reject(signal.reason) }
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await Promise.race([promise, aborted.promise])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }
}
