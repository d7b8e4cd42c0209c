/** Drives `RelayedBytes` over a libp2p node: counts what relays carry for it by what is left to its circuits, and says when receipts are due. */
import { MachineDriver, randomBytes, toHex } from '@skein/core'
import { RelayedBytes } from '@skein/reputation'
import type { Connection, Libp2p } from '@libp2p/interface'
import type { Clock, Random } from '@skein/core'
import type { RelayReceipt } from '@skein/records'
import type { RelayedBytesEffect, RelayedBytesInit } from '@skein/reputation'

export interface CircuitReceiptsInit extends RelayedBytesInit {
  libp2p: Pick<Libp2p, 'peerId' | 'getConnections' | 'addEventListener' | 'removeEventListener'>
  /** Whether this peer has a place at that relay */
  isReachedThrough: (relay: string) => boolean
  onDue: (facts: RelayReceipt) => void
  lifeMs: number
  clock: Clock
  random: Random
}

const CIRCUIT = /\/p2p\/([^/]+)\/p2p-circuit/
const MAX_DURATION_MS = 86_400_000

export class CircuitReceipts {
  private readonly init: CircuitReceiptsInit
  private readonly driver: MachineDriver<RelayedBytesEffect, RelayedBytes>

  constructor (init: CircuitReceiptsInit) {
    const { periodMs, periodBytes, settleMs, clock, libp2p } = init
    this.init = init
    const bounds = Object.fromEntries(Object.entries({ periodMs, periodBytes, settleMs }).filter(([, value]) => value !== undefined))
    this.driver = new MachineDriver({ machine: new RelayedBytes(bounds), clock, perform: effect => { this.perform(effect) } })
    libp2p.addEventListener('connection:open', this.onOpen)
    libp2p.addEventListener('connection:close', this.onClose)
  }

  /** What has not been accounted for comes due. */
  stop (): void {
    const { libp2p } = this.init
    libp2p.removeEventListener('connection:open', this.onOpen)
    libp2p.removeEventListener('connection:close', this.onClose)
    this.look()
    this.driver.input((machine, nowMs) => { machine.onStop(nowMs) })
    this.driver.stop()
  }

  private readonly onOpen = ({ detail }: CustomEvent<Connection>): void => {
    const relay = CIRCUIT.exec(detail.remoteAddr.toString())?.[1]
    const left = bytesLeft(detail)
    // anybody could come through a "relay" of its own and have this peer praise it
    if (relay === undefined || left === undefined || (detail.direction === 'inbound' && !this.init.isReachedThrough(relay))) {
      return
    }
    this.driver.input((machine, nowMs) => { machine.onOpened(detail.id, relay, left, nowMs) })
  }

  private readonly onClose = ({ detail }: CustomEvent<Connection>): void => {
    const left = bytesLeft(detail)
    if (left !== undefined) {
      this.driver.input((machine, nowMs) => { machine.onClosed(detail.id, left, nowMs) })
    }
  }

  private perform (effect: RelayedBytesEffect): void {
    if (effect.type === 'look') {
      this.look()
      return
    }
    const { libp2p, clock, random, lifeMs, onDue } = this.init
    const issuedAtMs = Math.floor(clock.nowMs())
    onDue({
      kind: 'relay',
      requestId: toHex(randomBytes(random, 16)),
      provider: effect.relay,
      consumer: libp2p.peerId.toString(),
      outcome: 'complete',
      path: 'direct',
      durationMs: Math.min(MAX_DURATION_MS, Math.round(effect.durationMs)),
      bytes: effect.bytes,
      issuedAtMs,
      expiresAtMs: issuedAtMs + lifeMs
    })
  }

  private look (): void {
    for (const connection of this.init.libp2p.getConnections()) {
      const left = bytesLeft(connection)
      if (left !== undefined) {
        this.driver.input((machine, nowMs) => { machine.onLeft(connection.id, left, nowMs) })
      }
    }
  }
}

/** libp2p counts down what a relay allows. Where it allows any number of bytes nothing is counted, and there is no receipt. */
function bytesLeft ({ limits }: Pick<Connection, 'limits'>): number | undefined {
  return limits?.bytes === undefined ? undefined : Number(limits.bytes)
}
