/** Puts `ConnectionAdmission` before servers: a socket that is not admitted is closed before anything is made for it. */
import { ipPortToMultiaddr } from '@libp2p/utils'
import { MachineDriver } from '@skein/core'
import { ConnectionAdmission } from './connection-admission.ts'
import type { AdmissionEffect, ConnectionRefusal } from './connection-admission.ts'
import type { ConnectionKind, ConnectionLimits } from './connection-limits.ts'
import type { Server, Socket } from 'node:net'
import type { Clock } from '@skein/core'

export interface AdmittedSocketsInit {
  limits?: ConnectionLimits
  /** Whose connections are not limited by address */
  isTrusted: (address: string) => boolean
  clock: Clock
}

export interface SocketCounters {
  admitted: number
  /** By reason */
  refused: Partial<Record<ConnectionRefusal, number>>
  /** Closed before they were established, by reason */
  givenUp: Partial<Record<AdmissionEffect['reason'], number>>
}

export class AdmittedSockets {
  readonly counters: SocketCounters = { admitted: 0, refused: {}, givenUp: {} }
  private readonly driver: MachineDriver<AdmissionEffect, ConnectionAdmission>
  private readonly clock: Clock
  private readonly sockets = new Map<number, Socket>()
  private readonly ids = new WeakMap<Socket, number>()
  /** By the other end's multiaddr; those of two servers may share one */
  private readonly waiting = new Map<string, number[]>()

  constructor (init: AdmittedSocketsInit) {
    this.clock = init.clock
    this.driver = new MachineDriver({
      machine: new ConnectionAdmission(init.limits, init.isTrusted),
      clock: init.clock,
      perform: ({ id, reason }) => {
        this.counters.givenUp[reason] = (this.counters.givenUp[reason] ?? 0) + 1
        this.sockets.get(id)?.destroy()
      }
    })
  }

  get size (): number {
    return this.driver.machine.size
  }

  get pendingSize (): number {
    return this.driver.machine.pendingSize
  }

  /** What the server did with its connections it does with those alone that are admitted. */
  guard (server: Server, kind: ConnectionKind): void {
    const listeners = server.listeners('connection')
    server.removeAllListeners('connection')
    server.on('connection', (socket: Socket) => {
      if (this.admit(socket, kind)) {
        listeners.forEach(listener => { listener.call(server, socket) })
      }
    })
  }

  /** The connection from `address` (a multiaddr) is encrypted and authenticated. */
  onEstablished (address: string): void {
    for (const id of this.waiting.get(address) ?? []) {
      this.driver.input(machine => { machine.onEstablished(id) })
    }
    this.waiting.delete(address)
  }

  /** The head of a request came on the socket. */
  onRequest (socket: Socket): void {
    const id = this.ids.get(socket)
    if (id !== undefined) {
      this.driver.input(machine => { machine.onEstablished(id) })
    }
  }

  onOverload (overloaded: boolean): void {
    this.driver.input(machine => { machine.onOverload(overloaded) })
  }

  stop (): void {
    this.driver.stop()
  }

  private admit (socket: Socket, kind: ConnectionKind): boolean {
    const { remoteAddress, remotePort } = socket
    if (remoteAddress === undefined || remotePort === undefined) {
      socket.destroy() // the other side has gone
      return false
    }
    // not by way of the driver: it would look for the next timeout at each of a flood
    const { machine } = this.driver
    const verdict = machine.onAccepted(remoteAddress, kind, this.clock.nowMs())
    if (!verdict.admitted) {
      this.counters.refused[verdict.reason] = (this.counters.refused[verdict.reason] ?? 0) + 1
      // a reset leaves nothing behind, in the system either
      socket.resetAndDestroy()
      return false
    }
    const { id } = verdict
    this.counters.admitted++
    this.sockets.set(id, socket)
    this.ids.set(socket, id)
    const address = kind === 'http' ? undefined : multiaddrOf(remoteAddress, remotePort, kind)
    if (address !== undefined) {
      this.waiting.set(address, [...this.waiting.get(address) ?? [], id])
    }
    socket.once('close', () => {
      this.sockets.delete(id)
      if (address !== undefined) {
        this.forget(address, id)
      }
      this.driver.input(machine => { machine.onClosed(id) })
    })
    this.driver.input(() => {}) // a place may have been taken from another; and there is a new timeout
    return true
  }

  private forget (address: string, id: number): void {
    const others = this.waiting.get(address)?.filter(other => other !== id) ?? []
    if (others.length === 0) {
      this.waiting.delete(address)
    } else {
      this.waiting.set(address, others)
    }
  }
}

/** As libp2p's transports name the other end. */
function multiaddrOf (address: string, port: number, kind: ConnectionKind): string {
  const base = ipPortToMultiaddr(address, port)
  return (kind === 'websocket' ? base.encapsulate('/ws') : base).toString()
}
