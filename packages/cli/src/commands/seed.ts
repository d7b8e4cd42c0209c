/** `skein seed`: a bootstrap seed. */
import { homedir } from 'node:os'
import {
  CONFIG_VARIABLE, deviceUpgrade, keepHeapSmall, printConfig, readConfigFile, resolveConfig, SEED_TABLE, seedLog, startSeedNode
} from '@skein/seed/node'
import { untilStopped } from '../command-context.ts'
import { flagsOf } from '../table-options.ts'
import type { CommandContext } from '../command-context.ts'

export interface SeedCommandOptions extends Record<string, unknown> {
  config?: string
  printConfig?: boolean
}

export async function seed ({ output, stop }: CommandContext, options: SeedCommandOptions): Promise<void> {
  const path = options.config ?? (process.env[CONFIG_VARIABLE] || undefined)
  const resolved = resolveConfig({
    flags: flagsOf(SEED_TABLE, options),
    environment: process.env,
    file: path == null ? undefined : await readConfigFile(path),
    home: homedir()
  })
  if (options.printConfig === true) {
    const text = printConfig(resolved)
    output.event('config', { text, sources: resolved.sources }, text.trimEnd())
    return
  }

  keepHeapSmall()
  const log = seedLog(resolved.config.logLevel)
  const starting = startSeedNode({
    config: resolved.config,
    log,
    upgrades: deviceUpgrade,
    signal: stop,
    onDamage: message => {
      log.warn({ problem: message }, 'the data folder was damaged')
      output.event('damage', { message }, `warning: ${message}`)
    }
  })
  // told to stop before it ran: that is no failure
  const running = await starting.catch(error => { if (!stop.aborted) { throw error } })
  if (running == null) {
    output.event('stopped', {}, 'stopped')
    return
  }
  const { id, addresses } = running.seed
  try {
    output.event('listening', { id, addresses, http: running.httpUrl }, [
      `seed ${id}`,
      ...addresses.map(address => `  ${address}`),
      ...running.httpUrl == null ? [] : [`  ${running.httpUrl}/ws /metrics /health /ready`],
      'Give one of these addresses to peers: skein peer --seed ADDRESS'
    ].join('\n'))
    await untilStopped(stop)
    output.event('draining', { seconds: resolved.config.drain }, `draining for ${resolved.config.drain} s at most; a second signal ends it at once`)
  } finally {
    await running.stop()
    output.event('stopped', {}, 'stopped')
  }
}
