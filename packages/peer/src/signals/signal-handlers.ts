/** Who in this program takes signals of other peers. */
import type { SignalKind, SignalOutcome } from '@skein/records'

export interface ReceivedSignal {
  /** Peer id, as text; as the seed says. The payload proves who it is from, or nothing does */
  from: string
  kind: SignalKind
  payload: Uint8Array<ArrayBuffer>
}

export type SignalHandler = (signal: ReceivedSignal) => void | Promise<void>

/** Handlers at work; what comes beyond it is refused, and the sender told. */
const MAX_AT_WORK = 64

export class SignalHandlers {
  private readonly handlers = new Map<SignalKind | 'any', SignalHandler>()
  private readonly onError: (error: unknown) => void
  private atWork = 0

  constructor (onError: (error: unknown) => void) {
    this.onError = onError
  }

  /** Puts a handler in the place of the one for that kind, or for all kinds that have none of their own. Gives back what takes it away again. */
  set (kind: SignalKind | 'any', handler: SignalHandler): () => void {
    this.handlers.set(kind, handler)
    return () => {
      if (this.handlers.get(kind) === handler) {
        this.handlers.delete(kind)
      }
    }
  }

  /** Begins to handle it, in the order of calls. What the sender is told is that it was taken, not how the handler ended. */
  dispatch (signal: ReceivedSignal): SignalOutcome {
    const handler = this.handlers.get(signal.kind) ?? this.handlers.get('any')
    if (handler === undefined) {
      return 'unhandled'
    }
    if (this.atWork >= MAX_AT_WORK) {
      return 'queue_full'
    }
    this.atWork++
    const done = (): void => { this.atWork-- }
    try {
      Promise.resolve(handler(signal)).catch(this.onError).finally(done)
    } catch (error) {
      done()
      this.onError(error)
    }
    return 'delivered'
  }
}
