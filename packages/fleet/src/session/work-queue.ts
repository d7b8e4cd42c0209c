/** Work of this process on sessions: so much at once, more waits its turn, and what is beyond that is not taken. */
export interface WorkQueueInit {
  maxRunning: number
  maxWaiting: number
}

export class WorkQueue {
  private readonly init: WorkQueueInit
  private running = 0
  private readonly waiting: Array<() => void> = []
  private readonly tasks = new Set<Promise<void>>()

  constructor (init: WorkQueueInit) {
    this.init = init
  }

  /** @param work - must not throw @returns false when there is no room */
  add (work: () => Promise<void>): boolean {
    if (this.waiting.length >= this.init.maxWaiting) {
      return false
    }
    const task = this.inTurn(work).finally(() => { this.tasks.delete(task) })
    this.tasks.add(task)
    return true
  }

  /** Resolves when there is nothing to do. */
  async settled (): Promise<void> {
    while (this.tasks.size > 0) {
      await Promise.all(this.tasks)
    }
  }

  private async inTurn (work: () => Promise<void>): Promise<void> {
    if (this.running >= this.init.maxRunning) {
      await new Promise<void>(resolve => { this.waiting.push(resolve) })
    }
    this.running++
    try {
      await work()
    } finally {
      this.running--
      this.waiting.shift()?.()
    }
  }
}
