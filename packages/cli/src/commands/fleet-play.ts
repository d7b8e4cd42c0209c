/** `skein fleet play`: the stream of a slot for players of this machine. */
import { FleetPlayer, LOCAL_PLAYER } from '@skein/fleet/media'
import { untilStopped } from '../command-context.ts'
import { FleetOptionsError, keyOf } from './fleet.ts'
import { shown } from './fleet-uplink.ts'
import type { CommandContext } from '../command-context.ts'
import type { FleetApiOptions } from './fleet.ts'

export interface PlayFleetOptions extends FleetApiOptions {
  host: string
  port: number
  latency: number
  passphrase?: string
}

const HOW = { begun: '', joined: ', without a gap', cut: ', after a gap' }

export async function playFromFleet ({ output, stop }: CommandContext, options: PlayFleetOptions, slot: string): Promise<void> {
  if (!/^\d{1,2}$/.test(slot)) {
    throw new FleetOptionsError(`Which slot: 0 to 99, not ${slot}`)
  }
  const { url, host, port, latency, passphrase } = options
  const player = await FleetPlayer.open({ url, key: keyOf(options), slot: Number(slot), host, port, latencyMs: latency, passphrase })
  player.addEventListener('source:switched', ({ detail }) => {
    output.event('source:switched', { ...shown(detail), how: detail.how }, `plays from ${detail.instanceId} (${detail.region})${HOW[detail.how]}`)
  })
  player.addEventListener('source:failed', ({ detail }) => {
    output.event('source:failed', { ...shown(detail), message: detail.message }, `${detail.instanceId}: ${detail.message}; trying again`)
  })
  player.addEventListener('fleet:failed', ({ detail: { message } }) => { output.event('problem', { message }, `warning: ${message}`) })
  player.addEventListener('player:connected', ({ detail: { address } }) => {
    output.event('player:connected', { address }, `is played by ${address}`)
  })
  try {
    output.event('listening', { host, port: player.port }, `play srt://${host}:${player.port}?streamid=${LOCAL_PLAYER}`)
    await untilStopped(stop)
  } finally {
    await player.stop()
  }
  output.event('stopped', {}, 'stopped')
}
