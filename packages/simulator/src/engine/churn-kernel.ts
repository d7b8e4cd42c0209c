/** Churn of millions of devices: when each comes and goes, in the order of time. 8 bytes in the queue and 2 of state for each device. */
import { DeviceChurn } from './churn.ts'
import { TimerWheel } from './timer-wheel.ts'
import type { ChurnModel } from './churn.ts'

export interface ChurnKernelInit {
  seed: number
  model: ChurnModel
  /** The first device, and the one after the last: the devices of all parts of a run are numbered through */
  fromDevice: number
  toDevice: number
  /**
   * How finely time is told apart, ms.
   *
   * @default 100
   */
  tickMs?: number
}

/** What a device did; `device` is its number in the whole run. */
export type OnChange = (device: number, online: boolean, tick: number) => void

/** Times of one device that can be told apart. */
const MAX_SESSIONS = 0x7fff

export class ChurnKernel {
  readonly tickMs: number
  /** Of these devices, how many are online */
  online = 0
  joins = 0
  leaves = 0
  private readonly churn: DeviceChurn
  private readonly wheel: TimerWheel
  private readonly fromDevice: number
  /** Each device's count of changes, times 2, and 1 if it is online */
  private readonly state: Uint16Array

  constructor (init: ChurnKernelInit) {
    const { fromDevice, toDevice, tickMs = 100 } = init
    const count = toDevice - fromDevice
    this.tickMs = tickMs
    this.fromDevice = fromDevice
    this.churn = new DeviceChurn(init.seed, init.model)
    this.wheel = new TimerWheel({ words: 1, initialEvents: count, maxEvents: count })
    this.state = new Uint16Array(count)
    for (let i = 0; i < count; i++) {
      const device = fromDevice + i
      if (this.churn.startsOnline(device)) {
        this.state[i] = 1
        this.online++
      }
      this.wheel.push(this.ticks(this.churn.firstMs(device)), i)
    }
  }

  get byteLength (): number {
    return this.wheel.byteLength + this.state.byteLength
  }

  isOnline (device: number): boolean {
    return ((this.state[device - this.fromDevice] as number) & 1) === 1
  }

  /** Lets all changes happen that are before a tick. */
  runBefore (beforeTick: number, onChange?: OnChange): void {
    const { wheel, state, churn, fromDevice } = this
    const event = new Int32Array(1)
    let [joins, leaves] = [0, 0]
    while (wheel.pop(event, 0, beforeTick)) {
      const i = event[0] as number
      const tick = wheel.nowTick
      const before = state[i] as number
      const session = before >>> 1
      const online = (before & 1) === 0
      if (session === MAX_SESSIONS) {
        throw new RangeError(`Device ${fromDevice + i} has changed ${MAX_SESSIONS} times: the lengths are too short for so long a run`)
      }
      state[i] = ((session + 1) << 1) | (online ? 1 : 0)
      if (online) {
        joins++
      } else {
        leaves++
      }
      wheel.push(tick + this.ticks(churn.lengthMs(fromDevice + i, session, online)), i)
      onChange?.(fromDevice + i, online, tick)
    }
    this.joins += joins
    this.leaves += leaves
    this.online += joins - leaves
  }

  /** At least one: nothing takes no time. */
  private ticks (ms: number): number {
    const ticks = Math.round(ms / this.tickMs)
    return ticks < 1 ? 1 : ticks > MAX_TICKS ? MAX_TICKS : ticks
  }
}

/** What is farther ahead than the queue reaches does not happen in any run. */
const MAX_TICKS = TimerWheel.horizonTicks
