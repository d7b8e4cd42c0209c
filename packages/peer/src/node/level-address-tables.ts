/** Address tables in a LevelDB folder: a CRC-32 before each record and a count beside them, so that damage is seen and never served. */
import { rename } from 'node:fs/promises'
import { ClassicLevel } from 'classic-level'
import { crc32, toHex } from '@skein/core'
import { DataDirectoryError } from '../data-directory-error.ts'
import { readAnchors, readCount, readEarlier, readKnown, readSecret } from './address-records.ts'
import type { AddressTablesStore, KeptTables, KnownAddress, StoreChanges } from '@skein/pex'

type Level = ClassicLevel<string, Uint8Array>
type Operation = { type: 'put', key: string, value: Uint8Array } | { type: 'del', key: string }

/** How many peers there are. */
const COUNT_KEY = 'count'
const SECRET_KEY = 'key'
const ANCHORS_KEY = 'anchors'
const PEER_PREFIX = 'known/'
/** Where the first version kept its records. */
const EARLIER_PREFIX = 'peer/'

export interface LevelAddressTablesInit {
  /** The folder; made if it is not there */
  path: string
  /** Told of damage that was found: how many records were unreadable, how many are missing */
  onDamage?: (damage: { unreadable: number, missing: number, movedTo?: string }) => void
}

/**
 * Opens the store. A folder that LevelDB cannot open as a whole is moved aside, named in `onDamage`, and a new one begun: it is a memory of
 * addresses, worth less than a peer that starts.
 *
 * @throws {DataDirectoryError} `in_use` when another process has it open, `unusable` when no folder can be made there
 */
export async function openLevelAddressTables (init: LevelAddressTablesInit): Promise<AddressTablesStore> {
  try {
    return new LevelAddressTables(await openLevel(init.path), init.onDamage)
  } catch (error) {
    if (!isCorruption(error)) {
      throw error
    }
    const movedTo = await moveAside(init.path)
    init.onDamage?.({ unreadable: 0, missing: 0, movedTo })
    return new LevelAddressTables(await openLevel(init.path), init.onDamage)
  }
}

class LevelAddressTables implements AddressTablesStore {
  private readonly db: Level
  private readonly onDamage: LevelAddressTablesInit['onDamage']
  private readonly keys = new Set<string>()

  constructor (db: Level, onDamage: LevelAddressTablesInit['onDamage']) {
    this.db = db
    this.onDamage = onDamage
  }

  async load (): Promise<KeptTables> {
    const damaged: string[] = []
    const earlier = await this.readAll(EARLIER_PREFIX, damaged, readEarlier)
    const known = await this.readAll(PEER_PREFIX, damaged, readKnown)
    const expected = await this.readOne(COUNT_KEY, damaged, readCount) ?? 0
    const missing = Math.max(0, expected - known.length - earlier.length - damaged.filter(isOfPeer).length)
    const key = await this.readOne(SECRET_KEY, damaged, readSecret)
    const anchors = await this.readOne(ANCHORS_KEY, damaged, readAnchors) ?? []
    if (damaged.length > 0 || missing > 0) {
      this.onDamage?.({ unreadable: damaged.length, missing })
    }
    for (const { peer } of [...earlier, ...known]) {
      this.keys.add(PEER_PREFIX + peer)
    }
    if (damaged.length > 0 || missing > 0 || earlier.length > 0) {
      await this.db.batch([
        ...damaged.map(name => ({ type: 'del' as const, key: name })),
        ...earlier.flatMap(entry => [{ type: 'del' as const, key: EARLIER_PREFIX + entry.peer }, putKnown(entry)]),
        this.putCount()
      ], { sync: true })
    }
    return { key, known: [...known, ...earlier], anchors }
  }

  async save ({ key, anchors, changed, deleted }: StoreChanges): Promise<void> {
    for (const { peer } of changed) {
      this.keys.add(PEER_PREFIX + peer)
    }
    for (const peer of deleted) {
      this.keys.delete(PEER_PREFIX + peer)
    }
    const operations: Operation[] = [
      ...changed.map(putKnown),
      ...deleted.map(peer => ({ type: 'del' as const, key: PEER_PREFIX + peer })),
      this.putCount()
    ]
    if (key !== undefined) {
      operations.push({ type: 'put', key: SECRET_KEY, value: encode(toHex(key)) })
    }
    if (anchors !== undefined) {
      operations.push({ type: 'put', key: ANCHORS_KEY, value: encode(anchors) })
    }
    await this.db.batch(operations, { sync: true })
  }

  async close (): Promise<void> {
    await this.db.close()
  }

  private async readAll<T extends { peer: string }> (prefix: string, damaged: string[], read: (value: unknown) => T | undefined): Promise<T[]> {
    const records: T[] = []
    for await (const [name, value] of this.db.iterator({ gte: prefix, lt: `${prefix}\uffff` })) {
      const record = decode(value, read)
      if (record === undefined || name !== prefix + record.peer) {
        damaged.push(name)
      } else {
        records.push(record)
      }
    }
    return records
  }

  private async readOne<T> (name: string, damaged: string[], read: (value: unknown) => T | undefined): Promise<T | undefined> {
    const bytes = await this.db.get(name)
    const value = bytes === undefined ? undefined : decode(bytes, read)
    if (bytes !== undefined && value === undefined) {
      damaged.push(name)
    }
    return value
  }

  private putCount (): Operation {
    return { type: 'put', key: COUNT_KEY, value: encode(this.keys.size) }
  }
}

function isOfPeer (name: string): boolean {
  return name.startsWith(PEER_PREFIX) || name.startsWith(EARLIER_PREFIX)
}

function putKnown (entry: KnownAddress): Operation {
  return { type: 'put', key: PEER_PREFIX + entry.peer, value: encode(entry) }
}

/** CRC-32 of the JSON, 4 bytes big-endian, then the JSON as UTF-8. */
function encode (value: unknown): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify(value))
  const bytes = new Uint8Array(4 + body.length)
  new DataView(bytes.buffer).setUint32(0, crc32(body))
  bytes.set(body, 4)
  return bytes
}

function decode<T> (bytes: Uint8Array, read: (value: unknown) => T | undefined): T | undefined {
  const body = bytes.subarray(4)
  if (bytes.length < 4 || new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) !== crc32(body)) {
    return undefined
  }
  try {
    return read(JSON.parse(new TextDecoder().decode(body)))
  } catch {
    return undefined
  }
}

async function openLevel (path: string): Promise<Level> {
  const db: Level = new ClassicLevel(path, { keyEncoding: 'utf8', valueEncoding: 'view' })
  try {
    await db.open()
    return db
  } catch (error) {
    const code = causeCode(error)
    if (code === 'LEVEL_LOCKED') {
      const message = `${path} is open in another process: stop that one, or give this one a data folder of its own`
      throw new DataDirectoryError('in_use', path, message, { cause: error })
    }
    if (code === 'LEVEL_CORRUPTION') {
      throw error
    }
    throw new DataDirectoryError('unusable', path, `${path} cannot be used: ${causeMessage(error)}`, { cause: error })
  }
}

function isCorruption (error: unknown): boolean {
  return causeCode(error) === 'LEVEL_CORRUPTION'
}

function causeCode (error: unknown): string | undefined {
  return ((error as Error).cause as { code?: string } | undefined)?.code ?? (error as { code?: string }).code
}

function causeMessage (error: unknown): string {
  return ((error as Error).cause as Error | undefined)?.message ?? (error as Error).message
}

async function moveAside (path: string): Promise<string> {
  for (let i = 1; ; i++) {
    const target = `${path}.damaged-${i}`
    try {
      await rename(path, target)
      return target
    } catch (error) {
      // the name is taken by an earlier damage; the tenth time something else is wrong
      if (i >= 10) {
        throw new DataDirectoryError('unusable', path, `${path} is damaged and cannot be moved away: ${(error as Error).message}`, { cause: error })
      }
    }
  }
}
