/** Where threads wait for each other: none goes on before all are there. What any wrote before it, all see after it. */

const [ARRIVED, ROUND] = [0, 1]
/** Looks so often before it sleeps: others are often only microseconds behind. */
const SPINS = 100

export class Barrier {
  static readonly bytes = 8
  private readonly state: Int32Array
  private readonly threads: number

  constructor (memory: SharedArrayBuffer, threads: number) {
    this.state = new Int32Array(memory)
    this.threads = threads
  }

  wait (): void {
    const { state, threads } = this
    if (threads === 1) {
      return
    }
    const round = Atomics.load(state, ROUND)
    if (Atomics.add(state, ARRIVED, 1) === threads - 1) {
      Atomics.store(state, ARRIVED, 0)
      Atomics.add(state, ROUND, 1)
      Atomics.notify(state, ROUND)
      return
    }
    for (let i = 0; i < SPINS; i++) {
      if (Atomics.load(state, ROUND) !== round) {
        return
      }
    }
    while (Atomics.load(state, ROUND) === round) {
      Atomics.wait(state, ROUND, round)
    }
  }
}
