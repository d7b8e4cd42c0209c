/** Plays a stream of a relay in the mesh to players of this machine: what `skein media-watch` and `skein media-ingest` have in common. */
import { deadline } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { createMediaViewer } from '@skein/media-relay/node'
import { createPeer } from '@skein/peer'
import { visitorInit } from './node-options.ts'
import { wayTo } from './reached-peer.ts'
import type { PeerId } from '@libp2p/interface'
import type { IngestPorts, WatchChange } from '@skein/media-relay/libp2p'
import type { MediaViewerInit } from '@skein/media-relay/node'
import type { Peer, PeerInit } from '@skein/peer'
import type { CommandContext } from './command-context.ts'

export interface MeshPlaybackOptions {
  seed: string[]
  host: string
  port: number
  passphrase?: string
  timeout: number
  data?: string
}

export interface MeshPlayback {
  stream: Pick<MediaViewerInit, 'player' | 'ingest'>
  /** Of the peer that plays, beside what every visitor has @default {} */
  peer?: PeerInit
  /** The relay, found and connected */
  reach: (peer: Peer, signal: AbortSignal) => Promise<{ id: PeerId, target: MediaViewerInit['target'] }>
  /** The relay takes the stream in */
  onIngest?: (ports: IngestPorts, host: string | undefined) => void
}

const JOIN_TIMEOUT_MS = 5_000

export async function playFromMesh ({ output, stop }: CommandContext, options: MeshPlaybackOptions, playback: MeshPlayback): Promise<void> {
  const { stream, reach, onIngest } = playback
  const peer = await createPeer({
    ...visitorInit(options, output),
    joinTimeoutMs: Math.min(JOIN_TIMEOUT_MS, options.timeout * 1_000),
    signal: stop,
    ...playback.peer
  })
  const finding = deadline(systemClock(), options.timeout * 1_000, [stop])
  try {
    const { id, target } = await reach(peer, finding.signal)
    finding.clear()
    const viewer = await createMediaViewer({
      libp2p: peer.libp2p,
      target,
      ...stream,
      host: options.host,
      port: options.port,
      passphrase: options.passphrase,
      onChange: change => {
        output.event(`stream:${change.type}`, fieldsOf(change), lineOf(change))
        if (change.type === 'connected' && change.ingest !== undefined) {
          onIngest?.(change.ingest, hostOf(peer, id))
        }
      },
      onConnected: (_, address) => { output.event('player:connected', { address }, `played by ${address}`) },
      onClosed: ({ sentPackets, queue: { droppedPackets } }) => {
        output.event('player:closed', { sentPackets, droppedPackets }, `played no more: ${sentPackets} packets`)
      }
    })
    try {
      const url = `srt://${options.host.includes(':') ? `[${options.host}]` : options.host}:${viewer.port}?streamid=${stream.player}`
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

/** The relay's address, where it is connected directly. */
function hostOf (peer: Peer, id: PeerId): string | undefined {
  const way = wayTo(peer, id)
  const host = way?.path === 'direct' ? /^\/(ip4|ip6)\/([^/]+)\//.exec(way.connection.remoteAddr.toString()) : undefined
  return host?.[1] === 'ip6' ? `[${host[2]}]` : host?.[2]
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
