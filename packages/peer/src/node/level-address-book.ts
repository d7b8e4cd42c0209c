/** An address book in a LevelDB folder: a CRC-32 before each record and a count beside them, so that damage is seen and never served. */
import { rename } from 'node:fs/promises'
import { ClassicLevel } from 'classic-level'
import { crc32 } from '@skein/core'
import { DataDirectoryError } from '../data-directory-error.ts'
import type { AddressBookStore, KnownPeer } from '../address-book.ts'

type Level = ClassicLevel<string, Uint8Array>

const COUNT_KEY = 'count'
const PEER_PREFIX = 'peer/'

export interface LevelAddressBookInit {
  /** The folder; made if it is not there */
  path: string
  /** Told of damage that was found: how many records were unreadable, how many are missing */
  onDamage?: (damage: { unreadable: number, missing: number, movedTo?: string }) => void
}

/**
 * Opens the store. A folder that LevelDB cannot open as a whole is moved aside, named in `onDamage`, and a new one begun: the book is a memory of
 * addresses, worth less than a peer that starts.
 *
 * @throws {DataDirectoryError} `in_use` when another process has it open, `unusable` when no folder can be made there
 */
export async function openLevelAddressBook (init: LevelAddressBookInit): Promise<AddressBookStore> {
  try {
    return new LevelAddressBook(await openLevel(init.path), init.onDamage)
  } catch (error) {
    if (!isCorruption(error)) {
      throw error
    }
    const movedTo = await moveAside(init.path)
    init.onDamage?.({ unreadable: 0, missing: 0, movedTo })
    return new LevelAddressBook(await openLevel(init.path), init.onDamage)
  }
}

class LevelAddressBook implements AddressBookStore {
  private readonly db: Level
  private readonly onDamage: LevelAddressBookInit['onDamage']
  private readonly keys = new Set<string>()

  constructor (db: Level, onDamage: LevelAddressBookInit['onDamage']) {
    this.db = db
    this.onDamage = onDamage
  }

  async load (): Promise<KnownPeer[]> {
    const peers: KnownPeer[] = []
    const damaged: string[] = []
    for await (const [key, value] of this.db.iterator({ gte: PEER_PREFIX, lt: `${PEER_PREFIX}\uffff` })) {
      const peer = decode(value)
      if (peer == null || key !== PEER_PREFIX + peer.peer) {
        damaged.push(key)
      } else {
        peers.push(peer)
        this.keys.add(key)
      }
    }
    const counted = await this.db.get(COUNT_KEY)
    const expected = counted == null ? 0 : decodeCount(counted)
    const missing = expected == null ? 0 : Math.max(0, expected - peers.length - damaged.length)
    if (damaged.length > 0 || missing > 0) {
      this.onDamage?.({ unreadable: damaged.length, missing })
      await this.db.batch([...damaged.map(key => ({ type: 'del' as const, key })), this.countOperation()])
    }
    return peers
  }

  async save (changed: KnownPeer[], deleted: string[]): Promise<void> {
    if (changed.length === 0 && deleted.length === 0) {
      return
    }
    for (const peer of changed) {
      this.keys.add(PEER_PREFIX + peer.peer)
    }
    for (const peer of deleted) {
      this.keys.delete(PEER_PREFIX + peer)
    }
    await this.db.batch([
      ...changed.map(peer => ({ type: 'put' as const, key: PEER_PREFIX + peer.peer, value: encode(JSON.stringify(peer)) })),
      ...deleted.map(peer => ({ type: 'del' as const, key: PEER_PREFIX + peer })),
      this.countOperation()
    ], { sync: true })
  }

  async close (): Promise<void> {
    await this.db.close()
  }

  private countOperation (): { type: 'put', key: string, value: Uint8Array } {
    return { type: 'put', key: COUNT_KEY, value: encode(String(this.keys.size)) }
  }
}

/** CRC-32 of the text, 4 bytes big-endian, then the text as UTF-8. */
function encode (text: string): Uint8Array {
  const body = new TextEncoder().encode(text)
  const value = new Uint8Array(4 + body.length)
  new DataView(value.buffer).setUint32(0, crc32(body))
  value.set(body, 4)
  return value
}

function checked (value: Uint8Array): string | undefined {
  if (value.length < 4) {
    return undefined
  }
  const body = value.subarray(4)
  return new DataView(value.buffer, value.byteOffset).getUint32(0) === crc32(body) ? new TextDecoder().decode(body) : undefined
}

function decode (value: Uint8Array): KnownPeer | undefined {
  const text = checked(value)
  return text == null ? undefined : JSON.parse(text) as KnownPeer
}

function decodeCount (value: Uint8Array): number | undefined {
  const text = checked(value)
  return text == null ? undefined : Number(text)
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
