/** Points names at where their sessions are carried, also when these move while nobody asks; what fails then is tried again. */
import { systemClock } from '@skein/core/system'
import type { Cancel, Clock } from '@skein/core'
import type { NamePublisher } from '../provision/provisioner.ts'

export interface NameUpkeepInit {
  names?: NamePublisher
  clock?: Clock
  onProblem?: (message: string, error: Error) => void
}

interface Pointed {
  name: string
  host: string
  cancel?: Cancel
}

const RETRY_MS = 5_000

export class NameUpkeep {
  private readonly names?: NamePublisher
  private readonly clock: Clock
  private readonly onProblem: (message: string, error: Error) => void
  private readonly pointed = new Map<string, Pointed>()

  constructor ({ names, clock = systemClock(), onProblem = () => {} }: NameUpkeepInit) {
    this.names = names
    this.clock = clock
    this.onProblem = onProblem
  }

  /** @throws what the publisher throws */
  async point (sessionId: string, name: string, host: string, signal: AbortSignal): Promise<void> {
    this.pointed.get(sessionId)?.cancel?.()
    this.pointed.set(sessionId, { name, host })
    await this.names?.publish(name, host, { signal })
  }

  /** @returns whether it pointed elsewhere */
  follow (sessionId: string, host: string): boolean {
    const pointed = this.pointed.get(sessionId)
    if (pointed === undefined) {
      return false
    }
    pointed.cancel?.()
    const next = { ...pointed, host, cancel: undefined }
    this.pointed.set(sessionId, next)
    void this.publish(sessionId, next)
    return true
  }

  /** Nothing points there any more. What is published without being renewed ends by itself where it cannot be withdrawn. */
  async drop (sessionId: string): Promise<void> {
    const pointed = this.pointed.get(sessionId)
    pointed?.cancel?.()
    this.pointed.delete(sessionId)
    if (pointed !== undefined) {
      await this.names?.withdraw(pointed.name).catch((error: Error) => { this.onProblem(`The name ${pointed.name} was not withdrawn`, error) })
    }
  }

  close (): void {
    this.pointed.forEach(({ cancel }) => { cancel?.() })
    this.pointed.clear()
  }

  private async publish (sessionId: string, pointed: Pointed): Promise<void> {
    try {
      await this.names?.publish(pointed.name, pointed.host)
    } catch (error) {
      this.onProblem(`The name ${pointed.name} does not point to ${pointed.host} yet`, error as Error)
      if (this.pointed.get(sessionId) === pointed) {
        pointed.cancel = this.clock.schedule(this.clock.nowMs() + RETRY_MS, () => { void this.publish(sessionId, pointed) })
      }
    }
  }
}
