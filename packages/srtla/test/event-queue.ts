/** Virtual time for simulations: a heap of tasks, run in order. */

interface Task {
  atMs: number
  order: number
  run: () => void
}

export class EventQueue {
  nowMs = 0
  private order = 0
  private readonly heap: Task[] = []

  at (atMs: number, run: () => void): void {
    const task = { atMs: Math.max(atMs, this.nowMs), order: this.order++, run }
    let i = this.heap.push(task) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!before(task, this.heap[parent] as Task)) {
        break
      }
      this.heap[i] = this.heap[parent] as Task
      i = parent
    }
    this.heap[i] = task
  }

  every (ms: number, run: () => void): void {
    const tick = (): void => {
      run()
      this.at(this.nowMs + ms, tick)
    }
    this.at(this.nowMs + ms, tick)
  }

  runUntil (untilMs: number): void {
    for (;;) {
      const first = this.heap[0]
      if (first === undefined || first.atMs > untilMs) {
        break
      }
      this.take()
      this.nowMs = first.atMs
      first.run()
    }
    this.nowMs = untilMs
  }

  private take (): void {
    const last = this.heap.pop() as Task
    if (this.heap.length === 0) {
      return
    }
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= this.heap.length) {
        break
      }
      if (child + 1 < this.heap.length && before(this.heap[child + 1] as Task, this.heap[child] as Task)) {
        child++
      }
      if (!before(this.heap[child] as Task, last)) {
        break
      }
      this.heap[i] = this.heap[child] as Task
      i = child
    }
    this.heap[i] = last
  }
}

function before (a: Task, b: Task): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
