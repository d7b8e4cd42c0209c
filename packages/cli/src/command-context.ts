/** What every command is given. */
import type { Output } from './output.ts'

export interface CommandContext {
  output: Output
  /** Fires when the person or the system wants the command to end */
  stop: AbortSignal
}

/** Makes of a command what commander calls: its arguments, then the options, then the command as it was parsed. */
export type Run = <T, P extends unknown[]>(command: (context: CommandContext, options: T, ...rest: P) => Promise<void>) =>
  (...parameters: unknown[]) => Promise<void>

/** Resolves when it is time to end. */
export async function untilStopped (signal: AbortSignal): Promise<void> {
  if (!signal.aborted) {
    await new Promise<void>(resolve => { signal.addEventListener('abort', () => { resolve() }, { once: true }) })
  }
}
