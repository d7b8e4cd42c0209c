/** Every entry of every package leads to a source, its types and its JavaScript; an `index.ts` only re-exports and nothing imports it. */
import { posix } from 'node:path'
import type { Tree } from '../tree.ts'
import type { Check, Finding } from './check.ts'
import { findPackages, leaves } from './packages.ts'
import type { Package } from './packages.ts'
import { parse } from './source.ts'

/** In this order: Node takes the first condition that holds, and the sources are to win where their condition is set. */
const CONDITIONS = 'skein-source, types, import'

export const exports: Check = {
  name: 'exports',
  run (tree) {
    return findPackages(tree).flatMap(owner => [
      ...checkEntries(tree, owner),
      ...checkInnerNames(tree, owner),
      ...checkBin(tree, owner),
      ...owner.sources.flatMap(file => checkSource(tree, file))
    ])
  }
}

function checkEntries (tree: Tree, owner: Package): Finding[] {
  const file = `${owner.folder}/package.json`
  const entries = Object.entries(owner.manifest.exports ?? {})
  const findings: Finding[] = entries.length === 0 ? [{ file, message: 'no exports' }] : []

  for (const [entry, target] of entries) {
    if (entry === './package.json' && target === './package.json') {
      continue
    }

    // A browser may get another source: `"browser": { … }` before the three conditions
    const { browser, ...plain } = target as Record<string, unknown>
    for (const conditions of browser === undefined ? [plain] : [browser as Record<string, unknown>, plain]) {
      const problem = conditionsProblem(tree, owner, conditions)

      if (problem !== undefined) {
        findings.push({ file, message: `exports["${entry}"]: ${problem}` })
      }
    }
  }
  return findings
}

function conditionsProblem (tree: Tree, owner: Package, conditions: Record<string, unknown>): string | undefined {
  const keys = Object.keys(conditions).join(', ')
  const source = conditions['skein-source']

  if (keys !== CONDITIONS) {
    return `has the conditions ${keys}, not ${CONDITIONS}`
  }
  if (typeof source !== 'string' || !/^\.\/src\/.+\.ts$/.test(source)) {
    return `skein-source is not a file ./src/….ts: ${String(source)}`
  }
  if (!tree.has(posix.join(owner.folder, source))) {
    return `${source} does not exist`
  }

  const built = source.replace(/^\.\/src\/(.+)\.ts$/, './dist/$1')
  if (conditions.types !== `${built}.d.ts` || conditions.import !== `${built}.js`) {
    return `types and import are not ${built}.d.ts and ${built}.js`
  }
}

/** `imports`: each target is a source, or what is built from one. */
function checkInnerNames (tree: Tree, owner: Package): Finding[] {
  return leaves(owner.manifest.imports)
    .filter(target => !tree.has(posix.join(owner.folder, target).replace(/\/dist\/(.+?)(\.d\.ts|\.js)$/, '/src/$1.ts')))
    .map(target => ({ file: `${owner.folder}/package.json`, message: `imports: ${target} does not exist` }))
}

function checkBin (tree: Tree, owner: Package): Finding[] {
  return Object.entries(owner.manifest.bin ?? {}).flatMap(([name, target]) => {
    const source = posix.join(owner.folder, target).replace(/\/dist\/(.+)\.js$/, '/src/$1.ts')

    return tree.get(source)?.startsWith('#!/usr/bin/env node\n') === true
      ? []
      : [{ file: `${owner.folder}/package.json`, message: `bin.${name}: ${source} does not exist, or does not start with #!/usr/bin/env node` }]
  })
}

function checkSource (tree: Tree, file: string): Finding[] {
  const { tokens, imports } = parse(tree.get(file) as string)
  const findings: Finding[] = imports
    .filter(({ specifier }) => specifier.startsWith('.') && posix.basename(specifier) === 'index.ts')
    .map(({ specifier, line }) => ({ file, line, message: `imports ${specifier}: import what is behind it` }))

  if (posix.basename(file) === 'index.ts') {
    // Without its `export … from 'x'` nothing may be left of it
    const other = tokens.map(token => token.kind === 'string' ? "'" : token.text).join(' ')
      .replaceAll(/\bexport (type )?(\*( as [^ ]+)?|\{[^{}]*\}) from '( ;)?/g, '').trim()

    if (other !== '') {
      findings.push({ file, message: `holds more than re-exports: ${other.slice(0, 60)}` })
    }
  }
  return findings
}
