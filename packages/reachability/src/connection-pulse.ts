/**
 * Which connections still carry, while something depends on them: those over which a call is under way or about to go, and all when this peer's own
 * network has changed. One that brings nothing is pinged; how long its silence is borne follows its round trip (the timer of RFC 6298). Any byte is a
 * sign of life. Nobody is pinged while idle, and silence is told in steps, as a busy peer at the other end is silent too: first new streams go
 * elsewhere, then what can be made good elsewhere is, and only in the end the connection is given up.
 */
import { TimerTable } from '@skein/core'
import type { Machine } from '@skein/core'

/**
 * - `silent`: long enough that others should be used meanwhile
 * - `lost`: so long that an answer under way which can be had again elsewhere should be
 * - `dead`: so long that nothing will come any more
 */
export type Silence = 'silent' | 'lost' | 'dead'

/**
 * - `ping`: ask for a sign of life; answer with `onHeard`, and `onRoundTrip` where it was measured
 * - `silence`: it has come so far
 * - `heard`: one that was silent or lost is not
 */
export type PulseEffect =
  | { type: 'ping', connection: string }
  | { type: 'silence', connection: string, silence: Silence, sinceMs: number }
  | { type: 'heard', connection: string }

export interface ConnectionPulseInit {
  /** Silence in use after which a connection is pinged, ms @default 1_000 */
  quietMs?: number
  /**
   * Least and most silence after a ping that is borne before others are used, ms; between them it is four times the retransmission timeout.
   *
   * @default 1_500, 5_000
   */
  leastSilentMs?: number
  mostSilentMs?: number
  /** Least silence after a ping until a connection is `lost` and `dead`, ms; where it was `silent` late they come later @default 4_000, 15_000 */
  lostMs?: number
  deadMs?: number
  /** One whose address this machine has no more is given up after this, ms: an interface may only have gone for a moment @default 2_000 */
  goneMs?: number
  /** A look that comes so late says that this process was held up, and heard nobody meanwhile, ms @default 1_000 */
  stallMs?: number
}

interface Pulse {
  heardMs: number
  /** RFC 6298, §2; left out until it was measured */
  roundTrip?: { smoothedMs: number, variationMs: number }
  /** What depends on it */
  uses: number
  /** It is to be heard once, whether it is used or not */
  doubted: boolean
  /** This machine's end of it has gone */
  gone: boolean
  /** When it was first pinged since it was heard */
  pingedMs?: number
  silence?: Silence
}

/** RFC 6298, §2.1 and 2.4, with a lower least value: that of TCP in Linux. */
const FIRST_TIMEOUT_MS = 1_000
const LEAST_TIMEOUT_MS = 200

export class ConnectionPulse implements Machine<PulseEffect> {
  private readonly init: Required<ConnectionPulseInit>
  private readonly pulses = new Map<string, Pulse>()
  private readonly timers = new TimerTable<string>()
  private readonly effects: PulseEffect[] = []

  constructor (init: ConnectionPulseInit = {}) {
    this.init = { quietMs: 1_000, leastSilentMs: 1_500, mostSilentMs: 5_000, lostMs: 4_000, deadMs: 15_000, goneMs: 2_000, stallMs: 1_000, ...init }
  }

  /** `undefined`: it speaks, or nobody asked. */
  silenceOf (connection: string): Silence | undefined {
    return this.pulses.get(connection)?.silence
  }

  onOpen (connection: string, nowMs: number): void {
    this.pulses.set(connection, { heardMs: nowMs, uses: 0, doubted: false, gone: false })
  }

  onClosed (connection: string): void {
    this.pulses.delete(connection)
    this.timers.delete(connection)
  }

  /** Bytes came. Cheap: the timer is looked at when it is due. */
  onHeard (connection: string, nowMs: number): void {
    const pulse = this.pulses.get(connection)
    if (pulse === undefined || pulse.silence === 'dead') {
      return
    }
    pulse.heardMs = nowMs
    pulse.pingedMs = undefined
    pulse.doubted = false
    pulse.gone = false
    if (pulse.silence !== undefined) {
      pulse.silence = undefined
      this.effects.push({ type: 'heard', connection })
    }
  }

  onRoundTrip (connection: string, roundTripMs: number): void {
    const pulse = this.pulses.get(connection)
    if (pulse !== undefined) {
      const { smoothedMs, variationMs } = pulse.roundTrip ?? { smoothedMs: roundTripMs, variationMs: roundTripMs / 2 }
      pulse.roundTrip = {
        smoothedMs: smoothedMs * 7 / 8 + roundTripMs / 8,
        variationMs: variationMs * 3 / 4 + Math.abs(smoothedMs - roundTripMs) / 4
      }
    }
  }

  /** Something depends on it from now on, until `onSettled`. */
  onUse (connection: string, nowMs: number): void {
    const pulse = this.pulses.get(connection)
    if (pulse !== undefined) {
      pulse.uses++
      if (nowMs - pulse.heardMs >= this.init.quietMs) {
        this.ping(connection, pulse, nowMs)
      }
      this.arm(connection, pulse, nowMs)
    }
  }

  onSettled (connection: string): void {
    const pulse = this.pulses.get(connection)
    if (pulse !== undefined) {
      pulse.uses = Math.max(0, pulse.uses - 1)
    }
  }

  /** Something has happened on the way: it is to be heard. */
  onDoubt (connection: string, nowMs: number): void {
    const pulse = this.pulses.get(connection)
    if (pulse !== undefined) {
      pulse.doubted = true
      this.ping(connection, pulse, nowMs)
      this.arm(connection, pulse, nowMs)
    }
  }

  /** This machine has the address no more to which it is bound. */
  onGone (connection: string, nowMs: number): void {
    const pulse = this.pulses.get(connection)
    if (pulse !== undefined && !pulse.gone) {
      pulse.gone = true
      pulse.doubted = true
      pulse.pingedMs = undefined
      this.ping(connection, pulse, nowMs)
      this.tell(connection, pulse, 'lost')
      this.arm(connection, pulse, nowMs)
    }
  }

  onTimeout (nowMs: number): void {
    const isStalled = nowMs - (this.timers.nextMs() ?? nowMs) >= this.init.stallMs
    for (let connection = this.timers.popDue(nowMs); connection !== undefined; connection = this.timers.popDue(nowMs)) {
      const pulse = this.pulses.get(connection) as Pulse
      if (isStalled && pulse.pingedMs !== undefined) {
        // its answer may wait to be read
        pulse.pingedMs = nowMs
      }
      this.look(connection, pulse, nowMs)
    }
  }

  poll (): PulseEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.timers.nextMs()
  }

  private look (connection: string, pulse: Pulse, nowMs: number): void {
    const { pingedMs } = pulse
    if (pingedMs === undefined) {
      if (pulse.uses > 0 && nowMs - pulse.heardMs >= this.init.quietMs) {
        this.ping(connection, pulse, nowMs)
      }
    } else if (pulse.uses > 0 || pulse.doubted) {
      const next = this.nextSilence(pulse)
      if (next !== undefined && nowMs >= pingedMs + this.limitMs(pulse, next)) {
        this.tell(connection, pulse, next)
      }
    }
    this.arm(connection, pulse, nowMs)
  }

  /** When it is looked at again; not at all while nothing depends on it. */
  private arm (connection: string, pulse: Pulse, nowMs: number): void {
    const next = this.nextSilence(pulse)
    if ((pulse.uses === 0 && !pulse.doubted) || next === undefined) {
      this.timers.delete(connection)
    } else {
      const dueMs = pulse.pingedMs === undefined ? pulse.heardMs + this.init.quietMs : pulse.pingedMs + this.limitMs(pulse, next)
      this.timers.set(connection, Math.max(dueMs, nowMs + 1))
    }
  }

  private ping (connection: string, pulse: Pulse, nowMs: number): void {
    if (pulse.pingedMs === undefined) {
      pulse.pingedMs = nowMs
      this.effects.push({ type: 'ping', connection })
    }
  }

  private tell (connection: string, pulse: Pulse, silence: Silence): void {
    pulse.silence = silence
    this.effects.push({ type: 'silence', connection, silence, sinceMs: pulse.heardMs })
  }

  private nextSilence ({ silence }: Pulse): Silence | undefined {
    return silence === undefined ? 'silent' : silence === 'silent' ? 'lost' : silence === 'lost' ? 'dead' : undefined
  }

  private limitMs (pulse: Pulse, silence: Silence): number {
    const { leastSilentMs, mostSilentMs, lostMs, deadMs, goneMs } = this.init
    if (pulse.gone) {
      return goneMs
    }
    const silentMs = Math.min(mostSilentMs, Math.max(leastSilentMs, 4 * timeoutMs(pulse)))
    return silence === 'silent' ? silentMs : silence === 'lost' ? Math.max(lostMs, 2 * silentMs) : Math.max(deadMs, 4 * silentMs)
  }
}

/** RFC 6298, §2.3. */
function timeoutMs ({ roundTrip }: Pulse): number {
  return roundTrip === undefined ? FIRST_TIMEOUT_MS : Math.max(LEAST_TIMEOUT_MS, roundTrip.smoothedMs + 4 * roundTrip.variationMs)
}
