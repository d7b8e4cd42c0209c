/** `skein peer`: a peer that serves models. */
import { createPeer } from '@skein/peer'
import { untilStopped } from '../command-context.ts'
import { wantsRelay, peerInit } from '../node-options.ts'
import { backendFor } from '../served-backend.ts'
import type { Peer } from '@skein/peer'
import type { CommandContext } from '../command-context.ts'
import type { NodeOptions } from '../node-options.ts'
import type { Output } from '../output.ts'
import type { ServedOptions } from '../served-backend.ts'

/** How long answers under way may take when the peer is told to end. */
const DRAIN_MS = 10_000

export interface PeerCommandOptions extends NodeOptions, ServedOptions {
  serve: string[]
  offerLife: number
}

/** An offer names the relay when there is one by then; it is sought on otherwise. */
const RESERVE_TIMEOUT_MS = 5_000

export async function peer ({ output, stop }: CommandContext, options: PeerCommandOptions): Promise<void> {
  const running = await createPeer({
    ...await peerInit('peer', options, output),
    routing: { offerLifeMs: options.offerLife * 1000 },
    signal: stop
  })
  try {
    running.addEventListener('model:served', ({ detail }) => { output.event('serving', detail, `serving ${detail.model}`) })
    running.addEventListener('model:withdrawn', ({ detail }) => { output.event('withdrawn', detail, `no longer serving ${detail.model}`) })
    output.event('listening', { id: running.id, addresses: running.addresses },
      `peer ${running.id}\n${running.addresses.map(address => `  ${address}`).join('\n')}`)
    running.addEventListener('relay:reserved', ({ detail }) => {
      output.event('relay-reserved', detail, `others reach this peer through relay ${detail.relay}`)
    })
    running.addEventListener('relay:lost', ({ detail }) => { output.event('relay-lost', detail, `relay ${detail.relay} is gone; another is sought`) })
    running.addEventListener('port:mapped', ({ detail }) => {
      output.event('port-mapped', { ...detail }, `others reach this peer at ${detail.address}, which the router maps (${detail.protocol})`)
    })
    running.addEventListener('port:unmapped', ({ detail }) => {
      output.event('port-unmapped', { ...detail }, `others reach this peer at ${detail.address} no more; the router is asked again`)
    })
    if (wantsRelay(options)) {
      await reserved(running, output, stop)
    }
    for (const what of options.serve) {
      await running.serve(await backendFor(what, options))
    }
    const { connections } = running.stats()
    output.event('ready', { connections }, connections > 0 || options.seed.length === 0
      ? 'ready; Ctrl-C drains and stops'
      : 'no seed answered yet; dialling goes on')
    await untilStopped(stop)
    output.event('draining', {}, `draining for up to ${DRAIN_MS / 1000} s; Ctrl-C again stops at once`)
  } finally {
    await running.stop({ drainMs: DRAIN_MS })
    output.event('stopped', {}, 'stopped')
  }
}

async function reserved (running: Peer, output: Output, signal: AbortSignal): Promise<void> {
  try {
    await running.reserveRelay({ signal, timeoutMs: RESERVE_TIMEOUT_MS })
  } catch (error) {
    signal.throwIfAborted()
    const { message } = error as Error
    output.event('warning', { message }, `warning: those who cannot dial this peer do not reach it: ${message}; relays are sought on`)
  }
}
