/**
 * Sends what an encoder of this machine sends to where its session is, over all links, and follows it when it moves: once those who play have had
 * time to find the new place, both places get the same packets for a moment, and then the new one alone.
 */
import { sleep } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { FanoutDriver, StreamTable } from '@skein/media-relay'
import { SocketSink } from '@skein/media-relay/node'
import { connect } from '@skein/srt/node'
import { TypedEventEmitter } from 'main-event'
import { BondedLinks } from './bonded-links.ts'
import { EncoderPort, PAYLOAD_BYTES } from './encoder-port.ts'
import { FollowedTargets } from './followed-targets.ts'
import { ingestTarget } from './stream-target.ts'
import type { Clock } from '@skein/core'
import type { SessionView } from '../client/fleet-connection.ts'
import type { StreamTarget } from './stream-target.ts'

export interface FleetUplinkInit {
  /** IP address of the port for the encoder @default '127.0.0.1' */
  host?: string
  /** UDP port at which the encoder sends SRT; 0 takes any free one */
  port: number
  /** From the encoder to here, ms @default 120 */
  encoderLatencyMs?: number
  /** From here to the relay, ms; the relay's own is the least @default 1_000 */
  latencyMs?: number
  /** Source addresses of the links; changed with `setLinks()` @default the way that the system takes, alone */
  links?: string[]
  /** What the relay wants, 10 to 79 characters; the encoder of this machine needs none */
  passphrase?: string
  /**
   * A new place is connected to at once, and sent to after so long, ms, as long as the one before takes the stream: those who play find it meanwhile.
   *
   * @default 3_000
   */
  settleMs?: number
  /** Then the stream goes to both for so long, ms. It costs the links twice the bitrate; a player needs a fraction of a second @default 2_000 */
  overlapMs?: number
  onProblem?: (message: string) => void
  /** @default systemClock() */
  clock?: Clock
}

export interface FleetUplinkEvents {
  'encoder:connected': CustomEvent<{ address: string }>
  'encoder:closed': CustomEvent
  /** A relay takes the stream */
  'uplink:up': CustomEvent<StreamTarget>
  /** It does not any more: it was left, or the connection ended */
  'uplink:down': CustomEvent<StreamTarget>
  /** It could not be reached, or the connection was lost; it is tried again */
  'uplink:failed': CustomEvent<StreamTarget & { message: string }>
}

/** In this process alone. */
const PUBLISHER = 'live_encoder'
const PLAYER = 'play_uplink'
const CONNECT_TIMEOUT_MS = 10_000

export class FleetUplink extends TypedEventEmitter<FleetUplinkEvents> {
  private readonly init: FleetUplinkInit
  private readonly fanout: FanoutDriver
  private readonly links: BondedLinks
  private readonly targets: FollowedTargets
  private encoder!: EncoderPort
  /** Connections that the stream goes over */
  private sending = 0
  /** Fires when it goes over none any more */
  private stranded = new AbortController()

  private constructor (init: FleetUplinkInit) {
    super()
    const { clock = systemClock(), overlapMs = 2_000, links, onProblem } = init
    this.init = init
    const streams = new StreamTable({ maxStreams: 1 })
    streams.add({ publisher: PUBLISHER, player: PLAYER, description: '' })
    this.fanout = new FanoutDriver({ streams, clock })
    this.links = new BondedLinks({ addresses: links, onProblem })
    this.targets = new FollowedTargets({
      clock,
      overlapMs,
      run: async (target, { signal }) => { await this.send(target, signal) },
      onFailed: (target, { message }) => { this.safeDispatchEvent('uplink:failed', { detail: { ...target, message } }) },
      onClosed: () => {}
    })
  }

  /** @throws what the system says of the port */
  static async open (init: FleetUplinkInit): Promise<FleetUplink> {
    const uplink = new FleetUplink(init)
    uplink.encoder = await EncoderPort.open({
      host: init.host,
      port: init.port,
      latencyMs: init.encoderLatencyMs,
      publisher: PUBLISHER,
      fanout: uplink.fanout,
      onConnected: address => { uplink.safeDispatchEvent('encoder:connected', { detail: { address } }) },
      onClosed: () => { uplink.safeDispatchEvent('encoder:closed') }
    })
    return uplink
  }

  /** UDP port of the encoder. */
  get port (): number {
    return this.encoder.port
  }

  /** What the session of the slot is now; while it has no place nothing changes. */
  follow (session: SessionView | undefined): void {
    const target = ingestTarget(session)
    if (target !== undefined) {
      this.targets.follow(target)
    }
  }

  /** Takes these source addresses for links from now on. */
  async setLinks (addresses: readonly string[]): Promise<void> {
    await this.links.set(addresses)
  }

  async stop (): Promise<void> {
    await this.targets.stop()
    await this.encoder.close()
    this.fanout.stop()
  }

  private async send (target: StreamTarget, signal: AbortSignal): Promise<void> {
    const { host, port, streamId } = target
    const { latencyMs = 1_000, passphrase } = this.init
    const socket = await connect({
      host,
      port,
      streamId,
      passphrase,
      peerLatencyMs: latencyMs,
      payloadBytes: PAYLOAD_BYTES,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      openPort: this.links.portTo({ host, port }),
      signal
    })
    const onAbort = (): void => { socket.abort() }
    signal.addEventListener('abort', onAbort, { once: true })
    await this.settle(signal)
    const sink = new SocketSink(socket, () => { this.fanout.onWritable(session) }, () => {})
    const session = this.fanout.addPlayer(PLAYER, PUBLISHER, sink)
    this.sending++
    this.targets.serving(target)
    this.safeDispatchEvent('uplink:up', { detail: target })
    try {
      while (await socket.read({ signal }) !== undefined) {
        // a relay says nothing
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.fanout.removePlayer(session)
      socket.abort()
      if (--this.sending === 0) {
        this.stranded.abort(new Error('The stream goes nowhere'))
        this.stranded = new AbortController()
      }
      this.safeDispatchEvent('uplink:down', { detail: target })
    }
  }

  /** Gives those who play time to find the new place, unless the stream goes nowhere meanwhile. */
  private async settle (signal: AbortSignal): Promise<void> {
    const { clock = systemClock(), settleMs = 3_000 } = this.init
    if (this.sending > 0) {
      await sleep(clock, settleMs, { signal: AbortSignal.any([signal, this.stranded.signal]) }).catch(() => {})
    }
  }
}
