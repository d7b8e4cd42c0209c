/** A peer's identity on disk: an Ed25519 private key in a file that only its owner can read. */
import { chmod, link, mkdir, open, readFile, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { crc32, randomBytes, toHex } from '@skein/core'
import { systemRandom } from '@skein/core/system'
import { IdentityFileError } from '../identity-error.ts'
import type { PrivateKey } from '@libp2p/interface'

/** First line of the file; names what it is to a person who opens it. */
const HEADER = 'skein identity v1 (Ed25519 private key, keep secret)'

/** No key file is longer. */
const MAX_FILE_BYTES = 4096

/**
 * Reads the key at `path`, or creates one there, readable by the owner alone (0600), if there is none.
 *
 * Two processes that start at once on a new path get the same key: the file appears whole or not at all.
 *
 * @throws {IdentityFileError} `readable_by_others`, `corrupt` or `unreadable`; a file that is there is never replaced
 */
export async function loadIdentity (path: string): Promise<PrivateKey> {
  const existing = await read(path)
  return existing ?? create(path)
}

async function read (path: string): Promise<PrivateKey | undefined> {
  let text: string
  try {
    const info = await stat(path)
    if (process.platform !== 'win32' && (info.mode & 0o077) !== 0) {
      throw new IdentityFileError('readable_by_others', path,
        `The identity file ${path} has mode ${(info.mode & 0o777).toString(8).padStart(4, '0')}: others can read it. ` +
        `If it never left this machine: chmod 600 '${path}'. Otherwise move it away and start again with a new identity`)
    }
    if (!info.isFile() || info.size > MAX_FILE_BYTES) {
      throw corrupt(path)
    }
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof IdentityFileError) {
      throw error
    }
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return undefined
    }
    throw new IdentityFileError('unreadable', path, `The identity file ${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
  return parse(text, path)
}

function parse (text: string, path: string): PrivateKey {
  const [header, encoded = '', checksum, ...rest] = text.split('\n')
  const bytes = Uint8Array.from(Buffer.from(encoded, 'base64'))
  if (header !== HEADER || rest.join('') !== '' || checksum !== checksumOf(bytes)) {
    throw corrupt(path)
  }
  try {
    const key = privateKeyFromProtobuf(bytes)
    if (key.type === 'Ed25519') {
      return key
    }
  } catch (error) {
    throw corrupt(path, error)
  }
  throw corrupt(path)
}

async function create (path: string): Promise<PrivateKey> {
  const key = await generateKeyPair('Ed25519')
  const bytes = privateKeyToProtobuf(key)
  const temporary = `${path}.${toHex(randomBytes(systemRandom(), 6))}.new`

  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const file = await open(temporary, 'wx', 0o600)
    try {
      await chmod(temporary, 0o600)
      await file.writeFile(`${HEADER}\n${Buffer.from(bytes).toString('base64')}\n${checksumOf(bytes)}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await link(temporary, path)
    return key
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      const winner = await read(path)
      if (winner != null) {
        return winner
      }
    }
    throw error instanceof IdentityFileError
      ? error
      : new IdentityFileError('unreadable', path, `No identity file can be made at ${path}: ${(error as Error).message}`, { cause: error })
  } finally {
    await rm(temporary, { force: true })
  }
}

function checksumOf (bytes: Uint8Array): string {
  return crc32(bytes).toString(16).padStart(8, '0')
}

function corrupt (path: string, cause?: unknown): IdentityFileError {
  return new IdentityFileError('corrupt', path,
    `The identity file ${path} is damaged. Restore it from a copy, or move it away to start again with a new identity (a new peer id)`, { cause })
}
