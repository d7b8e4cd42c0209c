/** The mark of the last lease in the data folder; one that is damaged is put aside, and the numbers go on far above it. */
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { FenceMarkError, FenceMarkFile } from '@skein/supernode/node'
import type { Clock } from '@skein/core'
import type { FenceMark } from '@skein/supernode'
import type { FenceMarks } from '@skein/supernode/libp2p'

export const FENCE_FILE = 'super-node-fence.json'

export function fenceMarks (folder: string | undefined, clock: Clock, onDamage: (message: string) => void): FenceMarks {
  if (folder === undefined) {
    return memoryMarks()
  }
  const file = new FenceMarkFile(join(folder, FENCE_FILE))
  return {
    save: async mark => { await file.save(mark) },
    load: async () => {
      try {
        return await file.load()
      } catch (error) {
        if (!(error instanceof FenceMarkError)) {
          throw error
        }
        await rename(file.path, `${file.path}.damaged`)
        onDamage(`The number of the last lease (${file.path}) was damaged and moved to ${file.path}.damaged; leases go on with higher numbers`)
        // leases are minutes apart: one for each second since 1970 is above any that was signed
        return { term: 0, fence: Math.floor(clock.nowMs() / 1000) }
      }
    }
  }
}

function memoryMarks (): FenceMarks {
  let last: FenceMark | undefined
  return { load: async () => last, save: async mark => { last = mark } }
}
