/** The files of the repository: everything but what is installed, built or fetched. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The folder of the repository. */
export const root = resolve(import.meta.dirname, '..')

/** What `.gitignore` leaves out. */
const IGNORED_FOLDERS = new Set(['node_modules', 'dist', '.git', '.node', '.readme'])
const IGNORED_FILES = /\.(tsbuildinfo|tgz)$|^\.DS_Store$/

/** Text by path; paths are relative to the root and use `/`. The checks get one of these, so that their tests can write it down. */
export type Tree = ReadonlyMap<string, string>

/** The paths of all files, sorted. */
export function listFiles (folder: string = root): string[] {
  const files: string[] = []
  const visit = (path: string): void => {
    for (const entry of readdirSync(join(folder, path), { withFileTypes: true })) {
      const child = path === '' ? entry.name : `${path}/${entry.name}`

      if (entry.isDirectory()) {
        if (!IGNORED_FOLDERS.has(entry.name)) {
          visit(child)
        }
      } else if (entry.isFile() && !IGNORED_FILES.test(entry.name)) {
        files.push(child)
      }
    }
  }

  visit('')
  return files.sort()
}

/** Reads all text files. One with a zero byte is not text, and left out. */
export function readTree (folder: string = root): Tree {
  const tree = new Map<string, string>()

  for (const path of listFiles(folder)) {
    const text = readFileSync(join(folder, path), 'utf8')

    if (!text.includes('\0')) {
      tree.set(path, text)
    }
  }

  return tree
}
