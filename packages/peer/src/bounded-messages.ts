/** Puts `MessageBounds` before what reads a connection or a stream. */
import { MessageBounds } from './message-bounds.ts'
import type { MessageBoundsInit, MessageFault } from './message-bounds.ts'

/** The other side sent a length that no message may have. */
export class MessageBoundsError extends Error {
  static override name = 'MessageBoundsError'
  override readonly name = 'MessageBoundsError'
  readonly fault: MessageFault

  constructor (fault: MessageFault) {
    super(fault === 'oversize' ? 'A message is longer than any may be' : 'A length prefix does not end, or a negotiation does not')
    this.fault = fault
  }
}

/** What libp2p's connections and streams have but do not declare. */
export interface Readable {
  onData: (data: Uint8Array | Iterable<Uint8Array>) => void
  readBuffer: Iterable<Uint8Array>
  abort: (error: Error) => void
}

/**
 * From now on, and for what waits to be read already, a message out of bounds ends the connection or the stream.
 *
 * @param onFault - told before
 */
export function boundMessages (target: Readable, init: MessageBoundsInit, onFault: (error: MessageBoundsError) => void): void {
  const bounds = new MessageBounds(init)
  const { onData } = target
  const end = (fault: MessageFault): void => {
    const error = new MessageBoundsError(fault)
    onFault(error)
    target.abort(error)
  }
  const waiting = faultOf(bounds, target.readBuffer)
  if (waiting !== undefined) {
    end(waiting)
    return
  }
  target.onData = data => {
    const fault = faultOf(bounds, data)
    if (bounds.isOver) {
      target.onData = onData
    }
    if (fault === undefined) {
      onData.call(target, data)
    } else {
      end(fault)
    }
  }
}

function faultOf (bounds: MessageBounds, data: Uint8Array | Iterable<Uint8Array>): MessageFault | undefined {
  for (const chunk of data instanceof Uint8Array ? [data] : data) {
    const fault = bounds.onBytes(chunk)
    if (fault !== undefined) {
      return fault
    }
  }
  return undefined
}
