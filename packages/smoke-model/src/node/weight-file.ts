/** Reads the shipped weights from the file beside this package. */
import { readFile } from 'node:fs/promises'

export async function readWeightFile (): Promise<Uint8Array> {
  return await readFile(new URL('../../weights/skein-smoke-1.bin', import.meta.url))
}
