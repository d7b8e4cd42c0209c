/** `skein measure`: what a peer can do, measured. */
import { multiaddr } from '@multiformats/multiaddr'
import { deadline } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { createPeer } from '@skein/peer'
import { visitorInit } from '../node-options.ts'
import type { CommandContext } from '../command-context.ts'
import type { Peer, PeerMeasurement } from '@skein/peer'

export interface MeasureCommandOptions {
  seed: string[]
  model?: string
  memory: number
  timeout: number
  data?: string
}

const MEBIBYTE = 1024 * 1024

/** @param target a peer id, or a multiaddr that ends with one */
export async function measure ({ output, stop }: CommandContext, options: MeasureCommandOptions, target: string): Promise<void> {
  const limit = deadline(systemClock(), options.timeout * 1000, [stop])
  const peer = await createPeer({
    // with a data folder: who was served by the peer before is answered sooner than a stranger
    ...visitorInit(options, output),
    signal: limit.signal
  })
  try {
    const id = await dial(peer, target, limit.signal)
    const measurement = await peer.measure(id, { model: options.model, memoryBytes: options.memory * MEBIBYTE, signal: limit.signal })
    const { memoryProblem, ...measured } = measurement
    output.event('measured', {
      ...measured,
      ...memoryProblem === undefined ? {} : { memoryProblem: { code: memoryProblem.code, message: memoryProblem.message } }
    }, describe(measurement))
  } finally {
    limit.clear()
    await peer.stop()
  }
}

async function dial (peer: Peer, target: string, signal: AbortSignal): Promise<string> {
  if (!target.startsWith('/')) {
    return target
  }
  return (await peer.libp2p.dial(multiaddr(target), { signal })).remotePeer.toString()
}

function describe (measurement: PeerMeasurement): string {
  const { peer, model, ramBytes, memoryBytesPerSecond, readMicros, tokensPerSecond, firstTokenMs, judgements, memoryProblem } = measurement
  return [
    peer,
    ...ramBytes === undefined ? [] : [
      ramBytes > 0 ? `  memory      at least ${ramBytes / MEBIBYTE} MiB` : '  memory      none: it read as slowly as from a disk',
      `  bandwidth   at least ${((memoryBytesPerSecond ?? 0) / 1e9).toFixed(2)} GB/s at random places, ${(readMicros ?? 0).toFixed(2)} µs a KiB`
    ],
    ...memoryProblem === undefined ? [] : [`  memory      not measured: ${memoryProblem.message}`],
    ...tokensPerSecond === undefined ? [] : [
      `  ${model}   ${tokensPerSecond.toFixed(0)} tokens/s, the first after ${(firstTokenMs ?? 0).toFixed(0)} ms`
    ],
    ...judgements.map(({ what, claimed, measured, verdict }) =>
      `  it claims ${claimed.toPrecision(3)} ${what}: ${VERDICTS[verdict]} ${measured.toPrecision(3)}`)
  ].join('\n')
}

const VERDICTS = {
  holds: 'borne out, measured',
  not_shown: 'more than this can show, measured',
  refuted: 'false, measured'
} as const
