/** How files are called and how they begin: named after a noun, opened by a sentence; and a README in every package. */
import { posix } from 'node:path'
import type { Check, Finding } from './check.ts'
import { findPackages } from './packages.ts'

/** Names that say nothing about what is inside. */
const BANNED_NAMES = new Set(['utils', 'util', 'helpers', 'helper', 'common', 'misc', 'types'])
const LINE_CHARS = 150

export const files: Check = {
  name: 'files',
  run (tree) {
    const findings: Finding[] = []

    for (const [file, text] of tree) {
      const banned = file.split('/').map(part => part.replace(/\..*$/, '')).find(part => BANNED_NAMES.has(part))

      if (banned !== undefined) {
        findings.push({ file, message: `"${banned}" does not say what is inside` })
      }
      // Tables of cases in tests read better in one line each
      if (/\.(m?ts|m?js)$/.test(file) && !/\/test\//.test(file)) {
        findings.push(...longLines(file, text))
      }
    }

    for (const { folder, sources } of findPackages(tree)) {
      if ((tree.get(`${folder}/README.md`) ?? '').trim() === '') {
        findings.push({ file: `${folder}/README.md`, message: 'is missing' })
      }
      for (const file of sources) {
        // `#!` lines stay first
        if (!/^(#!.*\n)?(\/\*\*|\/\/)/.test(tree.get(file) as string)) {
          findings.push({ file, line: 1, message: `does not open with a sentence that says what ${posix.basename(file)} is` })
        }
      }
    }
    return findings
  }
}

function longLines (file: string, text: string): Finding[] {
  return text.split('\n').flatMap((line, at) => line.length > LINE_CHARS
    ? [{ file, line: at + 1, message: `a line of ${line.length} characters (${LINE_CHARS} at most)` }]
    : [])
}
