/** Keeps a client's connections in a file, whole at any moment. */
import { mkdir, readFile, rename, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { MAX_CONNECTIONS } from '../client/connection-book.ts'
import type { ConnectionSpec } from '../client/fleet-connection.ts'
import type { ConnectionStore } from '../client/fleet-client.ts'

/** The file is there, and holds something else. */
export class ConnectionFileError extends Error {
  static override name = 'ConnectionFileError'
  override readonly name = 'ConnectionFileError'
  readonly path: string

  constructor (path: string, options?: ErrorOptions) {
    super(`${path} does not hold connections of the fleet: mend it, or move it away`, options)
    this.path = path
  }
}

export class ConnectionFile implements ConnectionStore {
  private readonly path: string

  constructor (path: string) {
    this.path = path
  }

  /** @throws {ConnectionFileError} */
  async load (): Promise<ConnectionSpec[]> {
    let text: string
    try {
      text = await readFile(this.path, 'utf8')
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') {
        return []
      }
      throw error
    }
    let specs: unknown
    try {
      specs = (JSON.parse(text) as { connections?: unknown }).connections
    } catch (cause) {
      throw new ConnectionFileError(this.path, { cause })
    }
    if (!Array.isArray(specs) || specs.length > MAX_CONNECTIONS || !specs.every(isSpec)) {
      throw new ConnectionFileError(this.path)
    }
    return specs
  }

  async save (connections: ConnectionSpec[]): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true })
    const file = await open(`${this.path}.new`, 'w', 0o600)
    try {
      await file.writeFile(`${JSON.stringify({ connections }, undefined, 2)}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(`${this.path}.new`, this.path)
  }
}

function isSpec (value: unknown): value is ConnectionSpec {
  const spec = value as Partial<ConnectionSpec> | null
  return typeof spec === 'object' && spec !== null && Number.isInteger(spec.slot) && isTextOrNothing(spec.region) &&
    isTextOrNothing(spec.relayId) && [undefined, 'pool', 'own', 'mesh'].includes(spec.provider)
}

function isTextOrNothing (value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}
