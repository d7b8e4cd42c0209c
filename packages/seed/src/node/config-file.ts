/** Reads the configuration file from disk. */
import { open } from 'node:fs/promises'
import { ConfigFileError } from '../config/config-error.ts'
import { MAX_CONFIG_FILE_BYTES } from '../config/seed-config.ts'

/** @throws {ConfigFileError} */
export async function readConfigFile (path: string): Promise<{ path: string, text: string }> {
  try {
    const file = await open(path)
    try {
      const buffer = Buffer.alloc(MAX_CONFIG_FILE_BYTES + 1)
      const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
      if (bytesRead > MAX_CONFIG_FILE_BYTES) {
        throw new ConfigFileError(path, `is larger than ${MAX_CONFIG_FILE_BYTES} bytes`)
      }
      return { path, text: buffer.toString('utf8', 0, bytesRead) }
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof ConfigFileError) {
      throw error
    }
    const { code, message } = error as NodeJS.ErrnoException
    throw new ConfigFileError(path, PROBLEMS[code ?? ''] ?? `cannot be read: ${message}`, { cause: error })
  }
}

const PROBLEMS: Record<string, string | undefined> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this user',
  EISDIR: 'is a folder'
}
