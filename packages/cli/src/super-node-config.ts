/** The configuration of `skein supernode`, and of the commands that ask the one that runs. */
import { homedir } from 'node:os'
import { configVariableOf, readConfigFile, resolveConfig, SUPER_NODE_TABLE } from '@skein/seed/node'
import { flagsOf } from './table-options.ts'
import type { ResolvedConfig, SUPER_NODE_OPTIONS } from '@skein/seed/node'

export interface SuperNodeConfigOptions extends Record<string, unknown> {
  config?: string
}

/** @throws {ConfigError | ConfigFileError} */
export async function superNodeConfig (options: SuperNodeConfigOptions): Promise<ResolvedConfig<typeof SUPER_NODE_OPTIONS>> {
  const path = options.config ?? (process.env[configVariableOf(SUPER_NODE_TABLE)] || undefined)
  return resolveConfig({
    flags: flagsOf(SUPER_NODE_TABLE, options),
    environment: process.env,
    file: path == null ? undefined : await readConfigFile(path),
    home: homedir()
  }, SUPER_NODE_TABLE)
}
