/** A simulated clock for a world of promises: what is due at one millisecond happens, then all that came of it, then time goes on. */
import { TimerTable } from '@skein/core'
import type { Cancel, Clock } from '@skein/core'

export class WorldClock implements Clock {
  /** Whether something is under way that takes none of this clock's time */
  isBusy: () => boolean = () => false
  private readonly tasks = new TimerTable<() => void>()
  private readonly channel = new MessageChannel()
  private goOn: () => void = () => {}
  private now: number

  constructor (startMs: number) {
    this.now = startMs
    this.channel.port1.addEventListener('message', () => { this.goOn() })
    this.channel.port1.start()
  }

  nowMs (): number {
    return this.now
  }

  /** To the millisecond: so much of what happens at nearly the same time is waited for at once. */
  schedule (atMs: number, task: () => void): Cancel {
    const own = (): void => { task() }
    this.tasks.set(own, Math.max(this.now, Math.ceil(atMs)))
    return () => { this.tasks.delete(own) }
  }

  async run (untilMs: number): Promise<void> {
    await this.quiet()
    for (let next = this.tasks.nextMs(); next !== undefined && next <= untilMs; next = this.tasks.nextMs()) {
      this.now = next
      for (let task = this.tasks.popDue(next); task !== undefined; task = this.tasks.popDue(next)) {
        task()
      }
      await this.quiet()
    }
    this.now = untilMs
  }

  close (): void {
    this.channel.port1.close()
  }

  /** Nothing else in the world waits for anything but this clock, so that by the next message every promise that can go on has. */
  private async quiet (): Promise<void> {
    do {
      await new Promise<void>(resolve => {
        this.goOn = resolve
        this.channel.port2.postMessage(undefined, [])
      })
    } while (this.isBusy())
  }
}
