/** What `skein media-relay` tells of publishers and players: of stream ids, which are secrets, no more than it takes to tell them apart. */
import { BoundedMap } from '@skein/core'
import { systemClock } from '@skein/core/system'
import type { MediaSourceInit } from '@skein/media-relay/libp2p'
import type { MediaRelay, MediaRelayEvents } from '@skein/media-relay/node'
import type { Output } from './output.ts'

/** Programs that are refused try again many times a second: one line for each such caller in that time, ms. */
const REFUSAL_PAUSE_MS = 10_000
const MAX_CALLERS = 1_024
const SHOWN_CHARACTERS = 4

type Lines = { [K in keyof MediaRelayEvents]: (detail: MediaRelayEvents[K]['detail']) => string }

const LINES: Lines = {
  'publisher:connected': ({ publisher, address }) => `${masked(publisher)} is published from ${address}`,
  'publisher:stale': ({ publisher }) => `${masked(publisher)} is silent, and may be taken over`,
  'publisher:back': ({ publisher }) => `${masked(publisher)} is published again`,
  'publisher:closed': ({ publisher, reason }) => `${masked(publisher)} is published no more: ${reason}`,
  'player:connected': ({ player, address }) => `${masked(player)} is played by ${address}`,
  'player:closed': ({ player, reason, sentPackets, droppedPackets }) => {
    const dropped = droppedPackets === 0 ? '' : `, ${droppedPackets} dropped as it was slow`
    return `${masked(player)} is played no more: ${reason}, ${sentPackets} packets${dropped}`
  },
  'caller:refused': ({ role, reason, address }) => `refused a ${role} at ${address}: ${reason}`
}

export function reportMediaEvents (relay: MediaRelay, output: Output): void {
  const clock = systemClock()
  const refused = new BoundedMap<string, number>({ maxSize: MAX_CALLERS })
  for (const name of Object.keys(LINES) as Array<keyof MediaRelayEvents>) {
    relay.addEventListener(name, event => {
      const { detail } = event as CustomEvent<Record<string, string>>
      if (name === 'caller:refused') {
        const key = `${detail.role} ${detail.reason} ${detail.address}`
        if (clock.nowMs() - (refused.get(key) ?? -Infinity) < REFUSAL_PAUSE_MS) {
          return
        }
        refused.set(key, clock.nowMs())
      }
      const fields = Object.entries(detail).map(([field, value]) => [field, field === 'publisher' || field === 'player' ? masked(value) : value])
      output.event(name, Object.fromEntries(fields), (LINES[name] as (detail: object) => string)(detail))
    })
  }
}

/** What a relay tells of viewers in the mesh. */
export function viewerEvents (output: Output): Pick<MediaSourceInit, 'onConnected' | 'onClosed'> {
  return {
    onConnected: ({ player }, peer) => {
      output.event('viewer:connected', { player: masked(player), peer }, `${masked(player)} is played by peer ${peer}`)
    },
    onClosed: ({ player, sentPackets, queue: { droppedPackets } }) => {
      const dropped = droppedPackets === 0 ? '' : `, ${droppedPackets} dropped as it was slow`
      output.event('viewer:closed', { player: masked(player), sentPackets, droppedPackets },
        `${masked(player)} is played by a peer no more: ${sentPackets} packets${dropped}`)
    }
  }
}

function masked (streamId: string): string {
  const shown = streamId.indexOf('_') + 1 + SHOWN_CHARACTERS
  return streamId.length <= shown ? streamId : `${streamId.slice(0, shown)}…`
}
