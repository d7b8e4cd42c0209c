/** `skein ping`: round trips to a peer, on the way that requests to it take. */
import { deadline, sleep } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import { createPeer } from '@skein/peer'
import { dialProblem } from '../doctor/dial-problem.ts'
import { visitorInit } from '../node-options.ts'
import { summarizePings } from '../ping-summary.ts'
import { reachPeer, wayTo } from '../reached-peer.ts'
import { measureRoundTrip } from '../round-trip.ts'
import type { PeerId } from '@libp2p/interface'
import type { Peer } from '@skein/peer'
import type { CommandContext } from '../command-context.ts'

export interface PingCommandOptions {
  seed: string[]
  count: number
  interval: number
  timeout: number
  data?: string
}

const JOIN_TIMEOUT_MS = 5_000

/** The peer was found by nobody, or no ping came back. */
export class PeerSilentError extends Error {
  static override name = 'PeerSilentError'
  override readonly name = 'PeerSilentError'
  readonly peer: string

  constructor (peer: string, message: string, options: ErrorOptions = {}) {
    super(message, options)
    this.peer = peer
  }
}

/** @param target a peer id, or a multiaddr that ends with one */
export async function ping ({ output, stop }: CommandContext, options: PingCommandOptions, target: string): Promise<void> {
  const clock = systemClock()
  const peer = await createPeer({
    ...visitorInit(options, output),
    joinTimeoutMs: Math.min(JOIN_TIMEOUT_MS, options.timeout * 1_000),
    signal: stop
  })
  const finding = deadline(clock, options.timeout * 1_000, [stop])
  try {
    const startMs = clock.nowMs()
    const id = await reachPeer(peer, target, clock, finding.signal).catch(error => {
      stop.throwIfAborted()
      throw new PeerSilentError(target, `${target} cannot be reached: ${dialProblem(error)}`, { cause: error })
    })
    finding.clear()
    const address = wayTo(peer, id)?.connection.remoteAddr.toString()
    output.event('reached', { peer: id.toString(), afterMs: clock.nowMs() - startMs, address, path: wayTo(peer, id)?.path },
      `${id.toString()} at ${address ?? '?'}`)
    const summary = summarizePings(await pings(peer, id, { output, stop }, options))
    const { sent, received, loss, minMs = 0, avgMs = 0, maxMs = 0 } = summary
    const times = received === 0 ? '' : `, round trip min/avg/max ${[minMs, avgMs, maxMs].map(ms => ms.toFixed(1)).join('/')} ms`
    output.event('summary', { peer: id.toString(), ...summary, path: wayTo(peer, id)?.path },
      `${sent} sent, ${received} received, ${(loss * 100).toFixed(0)} % lost${times}`)
    if (received === 0) {
      stop.throwIfAborted()
      throw new PeerSilentError(id.toString(), `${id.toString()} answered no ping`)
    }
  } finally {
    finding.clear()
    await peer.stop()
  }
}

/** Until so many are sent, or it is told to stop. */
async function pings (
  peer: Peer, id: PeerId, { output, stop }: CommandContext, { count, interval, timeout }: PingCommandOptions
): Promise<Array<number | undefined>> {
  const clock = systemClock()
  const random = systemRandom()
  const roundTripsMs: Array<number | undefined> = []
  while (roundTripsMs.length < count && !stop.aborted) {
    const n = roundTripsMs.length + 1
    const sentMs = clock.nowMs()
    const limit = deadline(clock, timeout * 1_000, [stop])
    try {
      const way = wayTo(peer, id) ?? { connection: await peer.libp2p.dial(id, limit), path: 'direct' }
      const roundTripMs = await measureRoundTrip(way.connection, { clock, random }, limit.signal)
      const path = wayTo(peer, id)?.path ?? way.path
      roundTripsMs.push(roundTripMs)
      output.event('pong', { n, roundTripMs, path, address: way.connection.remoteAddr.toString() }, `${n}  ${roundTripMs.toFixed(1)} ms  ${path}`)
    } catch (error) {
      if (stop.aborted) {
        break
      }
      roundTripsMs.push(undefined)
      output.event('lost', { n, problem: dialProblem(error) }, `${n}  lost: ${dialProblem(error)}`)
    } finally {
      limit.clear()
    }
    if (n < count) {
      await sleep(clock, Math.max(0, sentMs + interval * 1_000 - clock.nowMs()), { signal: stop }).catch(() => {})
    }
  }
  return roundTripsMs
}
