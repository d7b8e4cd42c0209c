/**
 * The contract between a protocol's logic and the world that runs it.
 *
 * A machine holds one node's state for one protocol. It does no I/O: what happens comes in through `on…` methods with the
 * time as their last argument, what must be done comes out of `poll()`. The same machine runs under a real clock
 * (`MachineDriver`) and under a simulated one.
 */
export interface Machine<Effect> {
  /** Time passed; called at or after `nextTimeoutMs()` */
  onTimeout (nowMs: number): void
  /** The next thing to do, `undefined` when there is nothing left. Call until it is */
  poll (): Effect | undefined
  /** When `onTimeout` wants to be called, ms since the epoch; `undefined` when it does not */
  nextTimeoutMs (): number | undefined
}
