/** A connection with a socket under it: payloads to read and to write, with back-pressure both ways. */
import { Duplex } from 'node:stream'
import { MachineDriver } from '@skein/core'
import type { AbortOptions } from './abort-options.ts'
import { SrtClosedError } from '../connection-error.ts'
import type { Established } from '../established.ts'
import { SrtConnection } from '../srt-connection.ts'
import type { ConnectionEffect } from '../srt-connection.ts'
import { StatisticsReader } from '../srt-statistics.ts'
import type { SrtStatistics } from '../srt-statistics.ts'
import { monotonicClock } from './monotonic-clock.ts'
import { Wakeups } from './wakeups.ts'

export interface SrtSocketInit {
  established: Established
  remote: { address: string, port: number }
  send: (packet: Uint8Array) => void
  onClosed: () => void
}

export class SrtSocket implements AsyncIterable<Uint8Array> {
  readonly remoteAddress: string
  readonly remotePort: number
  /** As the caller gave it; '' without one */
  readonly streamId: string
  /** Resolves when the connection has ended, however it did; see `error` */
  readonly closed: Promise<void>
  private readonly driver: MachineDriver<ConnectionEffect, SrtConnection>
  private readonly clock = monotonicClock()
  private readonly init: SrtSocketInit
  private readonly readers = new Wakeups()
  private readonly writers = new Wakeups()
  private readonly statisticsReader: StatisticsReader
  private readonly ended = Promise.withResolvers<void>()
  private writing: Promise<void> = Promise.resolve()
  private isEnded = false
  private endError?: Error

  constructor (init: SrtSocketInit) {
    this.init = init
    this.remoteAddress = init.remote.address
    this.remotePort = init.remote.port
    this.streamId = init.established.streamId ?? ''
    this.closed = this.ended.promise
    this.driver = new MachineDriver<ConnectionEffect, SrtConnection>({
      machine: new SrtConnection(init.established, this.clock.nowMs()),
      clock: this.clock,
      perform: effect => { this.perform(effect) }
    })
    this.statisticsReader = new StatisticsReader(this.driver.machine)
    this.driver.input(() => {}) // arms the timers
  }

  /** Why it ended, when it was not closed by either side. */
  get error (): Error | undefined {
    return this.endError
  }

  get isOpen (): boolean {
    return this.driver.machine.isOpen
  }

  get localSocketId (): number {
    return this.driver.machine.established.socketId
  }

  /** Most of one payload, bytes. */
  get payloadBytes (): number {
    return this.driver.machine.payloadBytes
  }

  /** Live mode: latencies as both sides agreed, ms. */
  get latencyMs (): { receive: number | undefined, send: number | undefined } {
    const { receiveLatencyMs, peerLatencyMs } = this.driver.machine.established.terms
    return { receive: receiveLatencyMs, send: peerLatencyMs }
  }

  /** For the listener or caller: what came for this connection. */
  onPacket (packet: Uint8Array): void {
    this.driver.input((machine, nowMs) => { machine.onPacket(packet, nowMs) })
  }

  /** For the listener or caller: what the buffer of its port holds for this connection. */
  onSocketRoom (packets: number): void {
    this.driver.input(machine => { machine.onSocketRoom(packets) })
  }

  /** The next payload if one is due; waits for nothing. */
  readNow (): Uint8Array | undefined {
    let payload: Uint8Array | undefined
    this.driver.input((machine, nowMs) => { payload = machine.read(nowMs) })
    return payload
  }

  /**
   * The next payload; `undefined` when the other side closed and all was read. What is not read waits, within `receiveBufferPackets`.
   *
   * @throws SrtPeerGoneError, SrtTruncatedError
   */
  async read (options: AbortOptions = {}): Promise<Uint8Array | undefined> {
    for (;;) {
      const payload = this.readNow()
      if (payload !== undefined) {
        return payload
      }
      if (this.isEnded) {
        if (this.endError !== undefined) {
          throw this.endError
        }
        return undefined
      }
      await this.readers.wait(options)
    }
  }

  async * [Symbol.asyncIterator] (): AsyncGenerator<Uint8Array> {
    for (let payload = await this.read(); payload !== undefined; payload = await this.read()) {
      yield payload
    }
  }

  /** Gives one payload of at most `payloadBytes` to be sent; false when there is no room, or the connection ended. Waits for nothing. */
  writeNow (payload: Uint8Array): boolean {
    let isTaken = false
    this.driver.input((machine, nowMs) => { isTaken = machine.send(payload, nowMs) })
    return isTaken
  }

  /** How many payloads `writeNow` takes now. */
  get roomPackets (): number {
    return this.driver.machine.roomPackets
  }

  /** Resolves when there may be room for what `writeNow` did not take, or the connection has ended. */
  async writable (options: AbortOptions = {}): Promise<void> {
    if (this.isOpen) {
      const room = this.writers.wait(options)
      this.driver.input((machine, nowMs) => { machine.awaitRoom(nowMs) })
      await room
    }
  }

  /**
   * Sends bytes, cut into payloads; resolves when all of them are in the send buffer, which may have to empty first.
   *
   * @throws SrtClosedError, SrtPeerGoneError, SrtTruncatedError
   */
  async write (bytes: Uint8Array, options: AbortOptions = {}): Promise<void> {
    const before = this.writing
    const done = Promise.withResolvers<void>()
    this.writing = done.promise // calls that overlap go one after the other
    try {
      await before
      for (let at = 0; at < bytes.length; at += this.payloadBytes) {
        const payload = bytes.subarray(at, at + this.payloadBytes)
        while (!this.writeNow(payload)) {
          if (!this.isOpen) {
            throw this.endError ?? new SrtClosedError()
          }
          await this.writers.wait(options)
        }
      }
    } finally {
      done.resolve()
    }
  }

  /** Takes nothing any more, gives what was written `lingerMs` to arrive, and resolves when the connection has ended. */
  async close (): Promise<void> {
    this.driver.input((machine, nowMs) => { machine.close(nowMs) })
    this.writers.wake()
    await this.closed
  }

  /** Ends at once, with the error for those that read and write. */
  abort (error?: Error): void {
    this.driver.input((machine, nowMs) => { machine.abort(error, nowMs) })
  }

  /** @param options.clear - counts without `Total` begin anew */
  statistics (options: { clear?: boolean } = {}): SrtStatistics {
    return this.statisticsReader.read(this.clock.nowMs(), options.clear)
  }

  /** The same connection as a stream of Node: do not read or write beside it. Ending it closes the connection. */
  duplex (): Duplex {
    return new Duplex({
      write: (chunk: Buffer, _encoding, callback) => { void settle(this.write(chunk), callback) },
      final: callback => { void settle(this.closeWell(), callback) },
      destroy: (error, callback) => {
        this.abort(error ?? undefined)
        callback(error)
      },
      ...duplexReading(this)
    })
  }

  private async closeWell (): Promise<void> {
    await this.close()
    if (this.endError !== undefined) {
      throw this.endError
    }
  }

  private perform (effect: ConnectionEffect): void {
    switch (effect.type) {
      case 'send':
        this.init.send(effect.packet)
        break
      case 'readable':
        this.readers.wake()
        break
      case 'writable':
        this.writers.wake()
        break
      case 'closed':
        this.end(effect.error)
        break
    }
  }

  private end (error: Error | undefined): void {
    this.isEnded = true
    this.endError = error
    this.driver.stop()
    this.readers.wake()
    this.writers.wake()
    this.ended.resolve()
    this.init.onClosed()
  }
}

async function settle (work: Promise<void>, callback: (error?: Error) => void): Promise<void> {
  let failure: Error | undefined
  try {
    await work
  } catch (error) {
    failure = error as Error
  }
  callback(failure)
}

/** Reads as long as the stream takes, one loop at a time. */
function duplexReading (socket: SrtSocket): { read: (this: Duplex) => void } {
  let isReading = false
  return {
    read () {
      if (isReading) {
        return
      }
      isReading = true
      const pump = async (): Promise<void> => {
        for (;;) {
          const payload = await socket.read()
          if (payload === undefined) {
            this.push(null)
            return
          }
          if (!this.push(payload)) {
            return
          }
        }
      }
      pump().then(() => { isReading = false }, (error: Error) => { this.destroy(error) })
    }
  }
}
