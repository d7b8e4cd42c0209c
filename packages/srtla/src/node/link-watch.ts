/** Keeps a sender's links as its list has them: looks again every second, and when it is told to. */
import { stat } from 'node:fs/promises'
import { systemClock } from '@skein/core/system'
import { interfaceAddresses, readLinkFile } from './link-list.ts'
import type { Cancel, Clock } from '@skein/core'

/** Where source addresses come from. */
export type LinkSource =
  | { type: 'file', path: string }
  | { type: 'interfaces', names: string[], family: 4 | 6 }

export interface LinkWatchInit {
  source: LinkSource
  onLinks: (addresses: string[]) => void | Promise<void>
  /** The list cannot be read now; the links stay as they are */
  onProblem?: (message: string) => void
  /** @default 1_000 */
  checkMs?: number
  /** @default systemClock() */
  clock?: Clock
}

export class LinkWatch {
  private readonly init: LinkWatchInit
  private readonly clock: Clock
  private addresses: string[]
  private stamp: string | undefined
  private problem: string | undefined
  private cancel: Cancel | undefined
  private closed = false

  private constructor (init: LinkWatchInit, addresses: string[], stamp: string | undefined) {
    this.init = init
    this.clock = init.clock ?? systemClock()
    this.addresses = addresses
    this.stamp = stamp
  }

  /**
   * Reads the list for the first time; `links` are what it has.
   *
   * @throws {LinkListError}
   */
  static async start (init: LinkWatchInit): Promise<LinkWatch> {
    const stamp = await stampOf(init.source)
    const watch = new LinkWatch(init, await readSource(init.source), stamp)
    watch.arm()
    return watch
  }

  get links (): readonly string[] {
    return this.addresses
  }

  /** Looks now, whether the file has changed or not: SIGHUP. */
  async reload (): Promise<void> {
    await this.read(await stampOf(this.init.source))
  }

  close (): void {
    this.closed = true
    this.cancel?.()
  }

  private arm (): void {
    this.cancel = this.clock.schedule(this.clock.nowMs() + (this.init.checkMs ?? 1_000), () => { void this.check() })
  }

  private async check (): Promise<void> {
    const stamp = await stampOf(this.init.source)
    if (stamp === undefined || stamp !== this.stamp) {
      await this.read(stamp)
    }
    if (!this.closed) {
      this.arm()
    }
  }

  private async read (stamp: string | undefined): Promise<void> {
    try {
      const addresses = await readSource(this.init.source)
      this.stamp = stamp
      this.problem = undefined
      if (!this.closed && addresses.join() !== this.addresses.join()) {
        this.addresses = addresses
        await this.init.onLinks(addresses)
      }
    } catch (error) {
      const { message } = error as Error
      if (message !== this.problem) { // the same one is told once
        this.problem = message
        this.init.onProblem?.(message)
      }
    }
  }
}

async function readSource (source: LinkSource): Promise<string[]> {
  return source.type === 'file' ? await readLinkFile(source.path) : interfaceAddresses(source.names, source.family)
}

/** Changes when the file does; `undefined` for what has to be read each time. */
async function stampOf (source: LinkSource): Promise<string | undefined> {
  if (source.type === 'interfaces') {
    return undefined
  }
  try {
    const { mtimeMs, size, ino } = await stat(source.path)
    return `${mtimeMs} ${size} ${ino}`
  } catch {
    return undefined // reading it tells why
  }
}
