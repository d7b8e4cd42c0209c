/** Whose network an address belongs to: the organizations of autonomous systems, from a file in MaxMind's format. */
import { open } from 'maxmind'
import type { AsnResponse, Reader } from 'maxmind'

export interface Organizations {
  /** `undefined` where the file has nothing, or there is none */
  organizationOf: (address: string) => string | undefined
}

/** The file is not there, or is no table of autonomous systems. Statistics leave the organization out then. */
export class OrganizationFileError extends Error {
  static override name = 'OrganizationFileError'
  override readonly name = 'OrganizationFileError'
  readonly path: string

  constructor (path: string, options: ErrorOptions) {
    super(`${path} cannot be read as a table of networks (mmdb): ${(options.cause as Error).message}`, options)
    this.path = path
  }
}

/** Results remembered: links are few, and ask again each time that statistics are read. */
const CACHE_SIZE = 1_024

/**
 * Reads the file again when it changes.
 *
 * @throws {OrganizationFileError}
 */
export async function openOrganizations (path: string | undefined): Promise<Organizations> {
  if (path === undefined) {
    return { organizationOf: () => undefined }
  }
  let reader: Reader<AsnResponse>
  try {
    reader = await open<AsnResponse>(path, { cache: { max: CACHE_SIZE }, watchForUpdates: true, watchForUpdatesNonPersistent: true })
  } catch (cause) {
    throw new OrganizationFileError(path, { cause })
  }
  return {
    organizationOf: address => {
      try {
        return reader.get(address)?.autonomous_system_organization
      } catch {
        return undefined // an address with a zone, or a file without that family
      }
    }
  }
}
