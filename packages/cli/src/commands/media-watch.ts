/** `skein media-watch`: plays a stream of a media relay in the mesh to players of this machine. */
import { multiaddr } from '@multiformats/multiaddr'
import { deadline } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { createMediaViewer } from '@skein/media-relay/node'
import { createPeer } from '@skein/peer'
import { visitorInit } from '../node-options.ts'
import { reachPeer, wayTo } from '../reached-peer.ts'
import type { WatchChange } from '@skein/media-relay/libp2p'
import type { CommandContext } from '../command-context.ts'

export interface MediaWatchOptions {
  seed: string[]
  host: string
  port: number
  passphrase?: string
  timeout: number
  data?: string
}

const JOIN_TIMEOUT_MS = 5_000

/** @param relay a peer id, or a multiaddr that ends with one */
export async function mediaWatch ({ output, stop }: CommandContext, options: MediaWatchOptions, relay: string, player: string): Promise<void> {
  const clock = systemClock()
  const peer = await createPeer({
    ...visitorInit(options, output),
    joinTimeoutMs: Math.min(JOIN_TIMEOUT_MS, options.timeout * 1_000),
    signal: stop
  })
  const finding = deadline(clock, options.timeout * 1_000, [stop])
  try {
    const id = await reachPeer(peer, relay, clock, finding.signal)
    finding.clear()
    const viewer = await createMediaViewer({
      libp2p: peer.libp2p,
      target: relay.startsWith('/') ? multiaddr(relay) : id,
      player,
      host: options.host,
      port: options.port,
      passphrase: options.passphrase,
      onChange: change => { output.event(`stream:${change.type}`, fieldsOf(change), lineOf(change)) },
      onConnected: (_, address) => { output.event('player:connected', { address }, `played by ${address}`) },
      onClosed: ({ sentPackets, queue: { droppedPackets } }) => {
        output.event('player:closed', { sentPackets, droppedPackets }, `played no more: ${sentPackets} packets`)
      }
    })
    try {
      const url = `srt://${options.host.includes(':') ? `[${options.host}]` : options.host}:${viewer.port}?streamid=${player}`
      output.event('listening', { relay: id.toString(), path: wayTo(peer, id)?.path, port: viewer.port, url },
        `play ${url}\nfrom ${id.toString()}, ${wayTo(peer, id)?.path ?? 'connecting'}`)
      const onStop = Promise.withResolvers<void>()
      stop.addEventListener('abort', () => { onStop.resolve() }, { once: true })
      await Promise.race([viewer.ended, stop.aborted ? undefined : onStop.promise])
    } finally {
      await viewer.stop()
    }
  } finally {
    finding.clear()
    await peer.stop()
  }
  output.event('stopped', {}, 'stopped')
}

function fieldsOf (change: WatchChange): Record<string, unknown> {
  switch (change.type) {
    case 'interrupted': return { message: change.error.message, pauseMs: change.pauseMs }
    case 'dropped': return { packets: change.packets }
    default: return {}
  }
}

function lineOf (change: WatchChange): string {
  switch (change.type) {
    case 'connected': return 'the relay lets us in'
    case 'interrupted': return `interrupted: ${change.error.message}; tried again in ${change.pauseMs / 1_000} s`
    case 'dropped': return `${change.packets} packets were dropped: the connection carries less than the stream has`
  }
}
