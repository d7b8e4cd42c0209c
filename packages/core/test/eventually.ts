/** Waiting in tests over real sockets. What waits in vain ends with its test: it must not keep the process. */
import { setTimeout as pause } from 'node:timers/promises'

let testsEnded = 0

afterEach(() => { testsEnded++ })

/** Looks until there is something; the time-out of the test is the bound. */
export async function eventually<T> (look: () => T | undefined | false | Promise<T | undefined | false>, everyMs = 20): Promise<T> {
  const before = testsEnded
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) {
      return found
    }
    if (testsEnded !== before) {
      throw new Error('The test is over, and what it waited for did not happen')
    }
    await pause(everyMs)
  }
}
