/**
 * What relays carried for this peer, as a machine: the bytes of its circuits by relay, and when a receipt of them is due. A circuit tells what is
 * left of its bytes; what is gone of them has been carried.
 */
import { TimerTable } from '@skein/core'
import type { Machine } from '@skein/core'

export type RelayedBytesEffect =
  /** Look how much is left of each open circuit; answer with `onLeft` */
  | { type: 'look' }
  /** A receipt is due of what the relay carried since the last one */
  | { type: 'due', relay: string, bytes: number, durationMs: number }

export interface RelayedBytesInit {
  /**
   * Time after which a receipt is due, ms.
   *
   * @default 600_000
   */
  periodMs?: number
  /**
   * Bytes after which a receipt is due.
   *
   * @default 67_108_864
   */
  periodBytes?: number
  /**
   * Time from the end of the last circuit through a relay to its receipt, ms. Circuits come and go with the calls they serve; they share a receipt.
   *
   * @default 60_000
   */
  settleMs?: number
}

/** How often open circuits are looked at, ms. */
const LOOK_MS = 15_000
/** Less is not worth two signatures: a circuit's own handshake. */
const MIN_BYTES = 1024
/** Relays whose bytes are counted at once; a peer uses a few. */
const MAX_RELAYS = 64

interface Account {
  bytes: number
  /** When the first circuit of the period was there */
  sinceMs: number
  circuits: number
}

export class RelayedBytes implements Machine<RelayedBytesEffect> {
  private readonly init: Required<RelayedBytesInit>
  /** Open circuits; libp2p bounds them with its connections */
  private readonly circuits = new Map<string, { relay: string, left: number }>()
  /** Relays with circuits, or with bytes that no receipt is of yet */
  private readonly accounts = new Map<string, Account>()
  private readonly dues = new TimerTable<string>()
  private readonly effects: RelayedBytesEffect[] = []
  private lookMs?: number

  constructor (init: RelayedBytesInit = {}) {
    this.init = { periodMs: 600_000, periodBytes: 64 * 2 ** 20, settleMs: 60_000, ...init }
  }

  onOpened (circuit: string, relay: string, left: number, nowMs: number): void {
    if (this.circuits.has(circuit) || (!this.accounts.has(relay) && this.accounts.size >= MAX_RELAYS)) {
      return
    }
    this.circuits.set(circuit, { relay, left })
    const account = this.accounts.get(relay) ?? { bytes: 0, sinceMs: nowMs, circuits: 0 }
    account.circuits++
    this.accounts.set(relay, account)
    this.dues.set(relay, account.sinceMs + this.init.periodMs)
    this.lookMs ??= nowMs + LOOK_MS
  }

  onLeft (circuit: string, left: number, nowMs: number): void {
    const open = this.circuits.get(circuit)
    const account = open === undefined ? undefined : this.accounts.get(open.relay)
    if (open === undefined || account === undefined) {
      return
    }
    account.bytes += Math.max(0, open.left - left)
    open.left = Math.min(open.left, left)
    if (account.bytes >= this.init.periodBytes) {
      this.close(open.relay, account, nowMs)
    }
  }

  onClosed (circuit: string, left: number, nowMs: number): void {
    this.onLeft(circuit, left, nowMs)
    const open = this.circuits.get(circuit)
    const account = open === undefined ? undefined : this.accounts.get(open.relay)
    this.circuits.delete(circuit)
    if (open === undefined || account === undefined) {
      return
    }
    account.circuits--
    if (account.circuits === 0) {
      this.dues.set(open.relay, Math.min(account.sinceMs + this.init.periodMs, nowMs + this.init.settleMs))
    }
  }

  /** This peer stops: what there is comes due. */
  onStop (nowMs: number): void {
    for (const [relay, account] of [...this.accounts]) {
      this.close(relay, account, nowMs)
    }
  }

  onTimeout (nowMs: number): void {
    if (this.lookMs !== undefined && nowMs >= this.lookMs) {
      this.lookMs = this.circuits.size === 0 ? undefined : nowMs + LOOK_MS
      if (this.lookMs !== undefined) {
        this.effects.push({ type: 'look' })
      }
    }
    for (let relay = this.dues.popDue(nowMs); relay !== undefined; relay = this.dues.popDue(nowMs)) {
      const account = this.accounts.get(relay)
      if (account !== undefined) {
        this.close(relay, account, nowMs)
      }
    }
  }

  poll (): RelayedBytesEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    const dueMs = this.dues.nextMs()
    return dueMs === undefined || this.lookMs === undefined ? dueMs ?? this.lookMs : Math.min(dueMs, this.lookMs)
  }

  /** Ends the period of a relay; a new one begins when circuits are open. */
  private close (relay: string, account: Account, nowMs: number): void {
    const { bytes, sinceMs } = account
    if (bytes >= MIN_BYTES) {
      this.effects.push({ type: 'due', relay, bytes, durationMs: nowMs - sinceMs })
    }
    if (account.circuits === 0) {
      this.accounts.delete(relay)
      this.dues.delete(relay)
      return
    }
    account.bytes = bytes >= MIN_BYTES ? 0 : bytes
    account.sinceMs = nowMs
    this.dues.set(relay, nowMs + this.init.periodMs)
  }
}
