/**
 * Drives `VolunteerLimits`: the relay asks it before circuits and bytes, it measures what else this node takes of the line and of the processor, and
 * has the totals saved.
 *
 * Counted is what passes the line: a relayed byte twice, for it comes in and goes out, media as they come in and as they go out, and all else
 * that connections carry. What TCP and IP add to it, some percent, is not known here.
 */
import { MachineDriver } from '@skein/core'
import { VolunteerLimits } from '@skein/supernode'
import type { Cancel, Clock } from '@skein/core'
import type { LeaseQuota } from '@skein/records'
import type { DayUsage, PauseReason, VolunteerEffect, VolunteerQuota, VolunteerState } from '@skein/supernode'
import type { ByteAnswer, RelayAllowance } from '../relay/relay-allowance.ts'
import type { CircuitEnd } from '../relay/relay-ledger.ts'

export interface CarriedLoadInit {
  quota: VolunteerQuota
  /** What earlier runs have carried */
  days: readonly DayUsage[]
  clock: Clock
  /** Keeps the totals, with so many bytes added should this process die before it saves again. Left out, they last as long as the process */
  save?: (days: readonly DayUsage[], spareBytes: number) => Promise<void>
  /** What this process took of all processors since it was asked last, 0 to 1 */
  cpuShare?: () => number
  /** Bytes of all connections so far, in and out, those of circuits and of media among them */
  lineBytes?: () => number
  onState: (state: VolunteerState) => void
  endCircuits: (why: CircuitEnd) => void
}

/** In and out again. */
const LINE_BYTES = 2
const MEASURE_INTERVAL_MS = 5_000
/** While totals are being written, and so much was carried that a crash would forget. */
const SAVE_WAIT_MS = 20
const MIN_SPARE_BYTES = 262_144
const MAX_SPARE_BYTES = 64 * 2 ** 20
/** What a crash costs the volunteer, of a day's quota. */
const SPARE_SHARE = 0.005

const ENDS: Record<PauseReason | 'drained', CircuitEnd> = {
  schedule: 'schedule', month: 'month_quota', day: 'day_quota', cpu: 'schedule', drained: 'drained'
}

export class CarriedLoad implements RelayAllowance {
  /** What this process took of all processors when that was measured last */
  cpuShare = 0
  private readonly init: CarriedLoadInit
  private readonly driver: MachineDriver<VolunteerEffect, VolunteerLimits>
  private readonly spareBytes: number
  /** Counted when they passed, among those that `lineBytes` tells */
  private askedBytes = 0
  private ownBytes = 0
  /** Carried since totals were last on their way to the disk, and since they were there */
  private unsavedBytes = 0
  private savingBytes = 0
  private saving: Promise<void> = Promise.resolve()
  private isSaving = false
  private cancelMeasure: Cancel = () => {}

  /** @throws {QuotaError | ScheduleError | TimeZoneError} */
  constructor (init: CarriedLoadInit) {
    this.init = init
    const { quota, clock } = init
    this.spareBytes = Math.round(Math.min(MAX_SPARE_BYTES, Math.max(MIN_SPARE_BYTES, (quota.bytesPerDay ?? Infinity) * SPARE_SHARE)))
    this.driver = new MachineDriver({
      machine: new VolunteerLimits(quota, init.days, clock.nowMs()),
      clock,
      perform: effect => { this.perform(effect) }
    })
  }

  get state (): VolunteerState {
    return this.driver.machine.state
  }

  /** What it did, by day, the oldest first. */
  days (): DayUsage[] {
    return this.driver.machine.summary()
  }

  left (): LeaseQuota {
    return this.driver.machine.left(this.init.clock.nowMs())
  }

  start (): void {
    this.driver.input((machine, nowMs) => { machine.onTimeout(nowMs) })
    this.save(this.days()) // from here on a crash is noticed
    this.measureSoon()
  }

  /** Takes nothing more; resolves when the totals are saved. */
  async stop (): Promise<void> {
    this.cancelMeasure()
    this.measureLine()
    this.driver.stop()
    await this.saving
    await this.init.save?.(this.days(), 0)
  }

  drain (deadlineMs: number): void {
    this.driver.input((machine, nowMs) => { machine.onDrain(deadlineMs, nowMs) })
  }

  onCircuit (source: string): boolean {
    let allowed = false
    this.driver.input((machine, nowMs) => { allowed = machine.onCircuit(source, nowMs) })
    return allowed
  }

  onCircuitEnded (): void {
    this.driver.input((machine, nowMs) => { machine.onCircuitClosed(nowMs) })
  }

  onBytes (bytes: number): ByteAnswer {
    return this.onSent(bytes * LINE_BYTES)
  }

  /** Bytes are about to go over the line, once: they count when they pass. `lineBytes` will tell of them too, and they are not counted again. */
  onSent (bytes: number): ByteAnswer {
    if (this.isSaving && this.unsavedBytes + this.savingBytes + bytes > this.spareBytes) {
      return { type: 'wait', waitMs: SAVE_WAIT_MS }
    }
    // after the end there is no machine to ask
    let answer: ByteAnswer = { type: 'stop', why: 'drained' }
    this.driver.input((machine, nowMs) => {
      const verdict = machine.onBytes(bytes, nowMs)
      answer = verdict.type === 'stop' ? { type: 'stop', why: ENDS[verdict.why] } : verdict
    })
    if ((answer as ByteAnswer).type === 'pass') {
      this.askedBytes += bytes
      this.count(bytes)
    }
    return answer
  }

  /** Bytes have come over the line already: they count, and the answer is whether they may go further. */
  onReceived (bytes: number): ByteAnswer {
    const answer = this.onSent(bytes)
    if (answer.type !== 'pass') {
      this.askedBytes += bytes
      this.driver.input((machine, nowMs) => { machine.onCarried(bytes, nowMs) })
      this.count(bytes)
    }
    return answer
  }

  private perform (effect: VolunteerEffect): void {
    if (effect.type === 'state') {
      this.init.onState(effect.state)
    } else if (effect.type === 'save') {
      this.save(effect.days)
    } else {
      this.init.endCircuits(ENDS[effect.why])
    }
  }

  private count (bytes: number): void {
    this.unsavedBytes += bytes
    if (this.unsavedBytes >= this.spareBytes / 2 && !this.isSaving) {
      this.save(this.days())
    }
  }

  /** One at a time; what is asked for meanwhile is saved after it, as it is then. */
  private save (days: readonly DayUsage[]): void {
    const { save } = this.init
    if (save === undefined) {
      return
    }
    this.isSaving = true
    this.savingBytes += this.unsavedBytes
    this.unsavedBytes = 0
    const mine = this.saving = this.saving.then(async () => { await save(days, this.spareBytes) }).finally(() => {
      if (this.saving === mine) {
        this.isSaving = false
        this.savingBytes = 0
      }
    })
  }

  private measureSoon (): void {
    const { clock } = this.init
    this.cancelMeasure = clock.schedule(clock.nowMs() + MEASURE_INTERVAL_MS, () => {
      this.measureLine()
      this.cpuShare = this.init.cpuShare?.() ?? 0
      this.driver.input((machine, nowMs) => { machine.onCpu(this.cpuShare, nowMs) })
      this.measureSoon()
    })
  }

  /** What the line carried besides circuits. A byte that came in and waits to go out seems to be of those for a while; it is not counted twice. */
  private measureLine (): void {
    const own = (this.init.lineBytes?.() ?? 0) - this.askedBytes
    const more = own - this.ownBytes
    if (more > 0) {
      this.ownBytes = own
      this.driver.input((machine, nowMs) => { machine.onCarried(more, nowMs) })
      this.count(more)
    }
  }
}
