/** Autonomous systems of addresses, from a file in MaxMind's format (GeoLite2 ASN, DB-IP ASN Lite, or one's own), read again when it changes. */
import { readFile, stat } from 'node:fs/promises'
import { systemClock } from '@skein/core/system'
import { Reader } from 'mmdb-lib'
import type { Cancel, Clock } from '@skein/core'
import type { AsnResponse } from 'mmdb-lib'
import type { VerifiedNetwork } from '@skein/records'

export interface SystemTableInit {
  /** /24 and /16 of an address, to which the table adds the system: `publicNetwork` of `@skein/peer` */
  networkOf: (address: string) => VerifiedNetwork | undefined
  /**
   * How often it is looked whether the file has changed, ms.
   *
   * @default 60_000
   */
  checkMs?: number
  /** Told when a changed file cannot be read; the table stays as it was */
  onFailure?: (error: SystemTableError) => void
  /** @default systemClock() */
  clock?: Clock
}

export interface SystemTable {
  /** /24, /16 (IPv6: /48, /32) of an address, and its system where the table has it */
  networkOf: (address: string) => VerifiedNetwork | undefined
  /** When the table was made, ms since the epoch; `undefined` without one */
  readonly builtMs: number | undefined
  /** The file is not looked at any more */
  close: () => void
}

/** The file is not there, or is no table of autonomous systems: fetch it anew, or leave the option out. */
export class SystemTableError extends Error {
  static override name = 'SystemTableError'
  override readonly name = 'SystemTableError'
  readonly path: string

  constructor (path: string, message: string, options?: ErrorOptions) {
    super(`${path} ${message}`, options)
    this.path = path
  }
}

/** GeoLite2 ASN has 11 MB. */
const MAX_FILE_BYTES = 256 * 1024 * 1024

/**
 * Opens the table; without a path /24 and /16 are all that is known.
 *
 * @throws {SystemTableError} when the file cannot be read, or is no table of systems
 */
export async function openSystemTable (path: string | undefined, init: SystemTableInit): Promise<SystemTable> {
  if (path === undefined) {
    return { networkOf: init.networkOf, builtMs: undefined, close: () => {} }
  }
  const table = new WatchedTable(path, init)
  await table.load()
  table.watch()
  return table
}

class WatchedTable implements SystemTable {
  private readonly path: string
  private readonly init: SystemTableInit
  private readonly clock: Clock
  private reader: Reader<AsnResponse> | undefined
  private version = ''
  private cancel: Cancel | undefined
  private isClosed = false

  constructor (path: string, init: SystemTableInit) {
    this.path = path
    this.init = init
    this.clock = init.clock ?? systemClock()
  }

  get builtMs (): number | undefined {
    return this.reader?.metadata.buildEpoch.getTime()
  }

  readonly networkOf = (address: string): VerifiedNetwork | undefined => {
    const network = this.init.networkOf(address)
    const [, family, host = ''] = address.split('/')
    if (network === undefined || (family !== 'ip4' && family !== 'ip6')) {
      return network
    }
    const system = this.systemOf(host)
    return system === undefined ? network : { ...network, system }
  }

  /** The whole file is read before anything of it is used: one that is half written must not end the old table. */
  async load (): Promise<void> {
    const version = await this.fileVersion()
    let reader: Reader<AsnResponse>
    try {
      reader = new Reader<AsnResponse>(await readFile(this.path))
    } catch (cause) {
      throw new SystemTableError(this.path, 'is no table in MaxMind\'s format', { cause })
    }
    const { databaseType } = reader.metadata
    if (!/asn/i.test(databaseType)) {
      throw new SystemTableError(this.path, `is a table of ${databaseType}, and not of autonomous systems (ASN)`)
    }
    this.reader = reader
    this.version = version
  }

  watch (): void {
    if (!this.isClosed) {
      this.cancel = this.clock.schedule(this.clock.nowMs() + (this.init.checkMs ?? 60_000), () => {
        void this.check().finally(() => { this.watch() })
      })
    }
  }

  close (): void {
    this.isClosed = true
    this.cancel?.()
  }

  private async check (): Promise<void> {
    try {
      if (await this.fileVersion() !== this.version) {
        await this.load()
      }
    } catch (error) {
      this.init.onFailure?.(error as SystemTableError)
    }
  }

  private async fileVersion (): Promise<string> {
    try {
      const { mtimeMs, size, ino } = await stat(this.path)
      if (size > MAX_FILE_BYTES) {
        throw new SystemTableError(this.path, `has ${size} bytes, more than a table of systems (${MAX_FILE_BYTES} at most)`)
      }
      return `${mtimeMs} ${size} ${ino}`
    } catch (cause) {
      throw cause instanceof SystemTableError ? cause : new SystemTableError(this.path, 'cannot be read', { cause })
    }
  }

  /** A record that is damaged is one that is not there. */
  private systemOf (host: string): number | undefined {
    try {
      return this.reader?.get(host)?.autonomous_system_number
    } catch {
      return undefined
    }
  }
}
