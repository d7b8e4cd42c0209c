/** Asks a super-node that runs on this machine, found by its data folder. */
import { deadline } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { readAccess } from './control-port.ts'
import type { SuperNodeStatus } from '../../super-node/super-node-status.ts'

const TIMEOUT_MS = 5_000

/** Nobody answers for this data folder. */
export class SuperNodeNotRunningError extends Error {
  static override name = 'SuperNodeNotRunningError'
  override readonly name = 'SuperNodeNotRunningError'
  readonly folder: string

  constructor (folder: string, options?: ErrorOptions) {
    super(`No super-node runs with the data folder ${folder}. ` +
      'Start one with skein supernode, or name the folder of the one that runs with --data', options)
    this.folder = folder
  }
}

/** @throws {SuperNodeNotRunningError} */
export async function askStatus (folder: string): Promise<SuperNodeStatus> {
  return await ask(folder, 'GET', '/status')
}

/**
 * Tells it to drain, which goes on when this returns.
 *
 * @throws {SuperNodeNotRunningError}
 */
export async function askDrain (folder: string): Promise<SuperNodeStatus> {
  return await ask(folder, 'POST', '/drain')
}

async function ask (folder: string, method: string, path: string): Promise<SuperNodeStatus> {
  const access = await readAccess(folder)
  if (access === undefined) {
    throw new SuperNodeNotRunningError(folder)
  }
  const limit = deadline(systemClock(), TIMEOUT_MS)
  try {
    const headers = { authorization: `Bearer ${access.token}` }
    const response = await fetch(`${access.url}${path}`, { method, headers, signal: limit.signal })
    if (!response.ok) {
      // one that was killed leaves its file behind, and its port may be another program's by now
      throw new Error(`${access.url} answered ${response.status}`)
    }
    return await response.json() as SuperNodeStatus
  } catch (cause) {
    throw new SuperNodeNotRunningError(folder, { cause })
  } finally {
    limit.clear()
  }
}
