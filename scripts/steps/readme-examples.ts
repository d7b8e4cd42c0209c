/**
 * The programs in READMEs. The first `ts` block after each heading that begins with "Example" is a whole program: it is written to
 * `.readme/<package>-<n>.ts`, where it is type-checked with the tests, and run; it has to end with status 0.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runNode } from '../child-process.ts'
import { listFiles, root } from '../tree.ts'
import { runPrograms } from './programs.ts'
import type { Step } from './step.ts'

const FOLDER = '.readme'
const LIMIT_MS = 120_000

export const readme: Step = {
  name: 'readme',
  what: 'the programs under "Example" in READMEs',
  run: async () => await runPrograms(extractExamples().map(({ name, file }) => ({
    name,
    run: async () => await runNode(['--conditions=skein-source', file], { env: { CI: 'true' }, limitMs: LIMIT_MS, capture: true })
  })))
}

/** Writes the programs into the folder, and says which are there. */
export function extractExamples (): Array<{ name: string, file: string }> {
  rmSync(join(root, FOLDER), { recursive: true, force: true })
  mkdirSync(join(root, FOLDER))

  return listFiles().filter(file => /^(packages\/[^/]+\/)?README\.md$/.test(file)).flatMap(path => {
    const owner = path.split('/').at(-2) ?? 'readme'

    return findExamples(readFileSync(join(root, path), 'utf8')).map((code, at) => {
      const file = `${FOLDER}/${owner}-${at + 1}.ts`
      writeFileSync(join(root, file), code)
      return { name: `${path}, example ${at + 1}`, file }
    })
  })
}

export function findExamples (markdown: string): string[] {
  const blocks = markdown.matchAll(/^(?:#{1,6} (.*)|```(\w*)[^\n]*\n([^]*?)^```[^\S\n]*)$/gm)
  const examples: string[] = []
  let wanted = false

  for (const [, heading, language, code] of blocks) {
    if (heading !== undefined) {
      wanted = /^example/i.test(heading)
    } else if (wanted && language === 'ts') {
      examples.push(code as string)
      wanted = false
    }
  }
  return examples
}
