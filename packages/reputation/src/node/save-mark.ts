/**
 * The number of the last save in a file beside the database. LevelDB passes over a damaged end of its log in silence; then the database is older
 * than this number says. The file is written after the database and not synced: after a power cut it may be behind, which tells nothing wrong.
 */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from '@skein/core'
import type { FileHandle } from 'node:fs/promises'

const FILE = 'last-save'
const BYTES = 12

export class SaveMark {
  private readonly file: FileHandle

  private constructor (file: FileHandle) {
    this.file = file
  }

  /** Opens the mark in a folder, and says what it holds: 0 when nothing was saved yet, `undefined` when it is damaged. */
  static async open (folder: string): Promise<{ mark: SaveMark, saves: number | undefined }> {
    const file = await open(join(folder, FILE), 'a+').then(async created => {
      await created.close()
      return await open(join(folder, FILE), 'r+')
    })
    const bytes = new Uint8Array(BYTES)
    const { bytesRead } = await file.read(bytes, 0, BYTES, 0)
    const view = new DataView(bytes.buffer)
    const whole = bytesRead === BYTES && view.getUint32(8) === crc32(bytes.subarray(0, 8))
    return { mark: new SaveMark(file), saves: bytesRead === 0 ? 0 : whole ? Number(view.getBigUint64(0)) : undefined }
  }

  async write (saves: number): Promise<void> {
    const bytes = new Uint8Array(BYTES)
    const view = new DataView(bytes.buffer)
    view.setBigUint64(0, BigInt(saves))
    view.setUint32(8, crc32(bytes.subarray(0, 8)))
    await this.file.write(bytes, 0, BYTES, 0)
  }

  async close (): Promise<void> {
    await this.file.close()
  }
}
