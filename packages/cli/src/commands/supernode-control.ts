/** `skein supernode status` and `skein supernode drain`: what asks the super-node that runs on this machine. */
import { sleep } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { askDrain, askStatus, SuperNodeNotRunningError } from '@skein/seed/node'
import { superNodeConfig } from '../super-node-config.ts'
import { stateLine, statusLines } from '../super-node-text.ts'
import type { CommandContext } from '../command-context.ts'
import type { SuperNodeConfigOptions } from '../super-node-config.ts'

const FOLLOW_INTERVAL_MS = 500

export async function superNodeStatus ({ output }: CommandContext, options: SuperNodeConfigOptions): Promise<void> {
  const status = await askStatus((await superNodeConfig(options)).config.data)
  output.event('status', { ...status }, statusLines(status, systemClock().nowMs()).join('\n'))
}

/** Follows it to its end; a signal ends the following, not the drain. */
export async function drainSuperNode ({ output, stop }: CommandContext, options: SuperNodeConfigOptions): Promise<void> {
  const folder = (await superNodeConfig(options)).config.data
  let said = ''
  let { state } = await askDrain(folder)
  try {
    for (;;) {
      const line = stateLine(state)
      if (line !== said) {
        output.event('state', { ...state }, line)
        said = line
      }
      await sleep(systemClock(), FOLLOW_INTERVAL_MS, { signal: stop })
      state = (await askStatus(folder)).state
    }
  } catch (error) {
    if (!(error instanceof SuperNodeNotRunningError)) {
      throw error
    }
    output.event('stopped', {}, 'stopped')
  }
}
