/** The solution of a peer's puzzle on disk: work that is not to be done again at the next start. What is damaged does not hold, and is replaced. */
import { readFile, rename, writeFile } from 'node:fs/promises'
import type { PuzzleStore } from '../admission/puzzle-keeper.ts'

export function puzzleFile (path: string): PuzzleStore {
  return {
    load: async () => {
      try {
        return Uint8Array.from(await readFile(path))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
          return undefined
        }
        throw error
      }
    },
    save: async solution => {
      await writeFile(`${path}.part`, solution)
      await rename(`${path}.part`, path)
    }
  }
}
