/** A manifest names what the sources import, no more and no less, and the project references say the same. */
import { isBuiltin } from 'node:module'
import type { Tree } from '../tree.ts'
import type { Check, Finding } from './check.ts'
import { findPackages, SCOPE, splitSpecifier } from './packages.ts'
import type { Manifest, Package } from './packages.ts'
import { parse } from './source.ts'

export const dependencies: Check = {
  name: 'dependencies',
  run (tree) {
    const packages = findPackages(tree)
    const shared = Object.keys(JSON.parse(tree.get('package.json') ?? '{}').devDependencies ?? {}) as string[]

    return [
      ...packages.flatMap(owner => [
        ...checkSources(tree, owner),
        ...checkTests(tree, owner, shared),
        ...checkVersions(packages, owner),
        ...checkReferences(tree, owner)
      ]),
      ...checkRootReferences(tree, packages)
    ]
  }
}

/** Where each package from outside is imported first. */
function outsideImports (tree: Tree, owner: Package, files: string[]): { names: Map<string, Finding>, findings: Finding[] } {
  const names = new Map<string, Finding>()
  const findings: Finding[] = []

  for (const file of files) {
    for (const { specifier, line } of parse(tree.get(file) as string).imports) {
      const { name } = splitSpecifier(specifier)

      if (/^(\.|#|node:)/.test(specifier) || name === owner.manifest.name) {
        continue
      }
      if (isBuiltin(specifier)) {
        findings.push({ file, line, message: `write node:${specifier}` })
      } else if (!names.has(name)) {
        names.set(name, { file, line, message: `imports ${name}, which ${owner.folder}/package.json does not name` })
      }
    }
  }
  return { names, findings }
}

/** The scenarios are built into the command that runs them, so its manifest names what they import. */
const SCENARIOS = { folder: 'simulations', owner: 'cli' }

function checkSources (tree: Tree, owner: Package): Finding[] {
  const { manifest } = owner
  const shipped = owner.name === SCENARIOS.owner ? [...tree.keys()].filter(file => /^simulations\/.+\.ts$/.test(file)) : []
  const { names, findings } = outsideImports(tree, owner, [...owner.sources, ...shipped])
  const declared = runtimeDependencies(manifest)

  return [
    ...findings,
    ...[...names].filter(([name]) => !declared.includes(name)).map(([, finding]) => finding),
    ...unused(owner, declared, names, 'dependencies')
  ]
}

/** Tests and benchmarks may use what the package depends on, its development dependencies, and those of the root. */
function checkTests (tree: Tree, owner: Package, shared: string[]): Finding[] {
  const { manifest } = owner
  const files = [...tree.keys()].filter(file => file.startsWith(`${owner.folder}/`) && /\.m?[tj]s$/.test(file))
    .filter(file => !owner.sources.includes(file))
  const { names, findings } = outsideImports(tree, owner, files)
  const development = Object.keys(manifest.devDependencies ?? {})
  const allowed = [...shared, ...development, ...runtimeDependencies(manifest)]

  // A name may stand in a string, as one does that is imported only where it is installed: `await import(NAME)`
  const mentioned = new Set(files.flatMap(file => parse(tree.get(file) as string).tokens)
    .filter(({ kind }) => kind === 'string').map(({ text }) => splitSpecifier(text).name))

  return [
    ...findings,
    ...[...names].filter(([name]) => !allowed.includes(name)).map(([, finding]) => finding),
    ...unused(owner, development, mentioned, 'devDependencies')
  ]
}

function runtimeDependencies ({ dependencies, peerDependencies, optionalDependencies }: Manifest): string[] {
  return Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies })
}

function unused (owner: Package, declared: string[], imported: { has: (name: string) => boolean }, field: string): Finding[] {
  return declared.filter(name => !imported.has(name) && !name.startsWith('@types/'))
    .map(name => ({ file: `${owner.folder}/package.json`, message: `${field}: ${name} is not imported` }))
}

/** All packages are published at once, so they name each other by exact version. */
function checkVersions (packages: Package[], owner: Package): Finding[] {
  const { dependencies, devDependencies } = owner.manifest

  return Object.entries({ ...dependencies, ...devDependencies }).flatMap(([name, range]) => {
    const version = packages.find(candidate => candidate.manifest.name === name)?.manifest.version

    return version === undefined || version === range
      ? []
      : [{ file: `${owner.folder}/package.json`, message: `${name} is at ${version}, not ${range}` }]
  })
}

function checkReferences (tree: Tree, owner: Package): Finding[] {
  const file = `${owner.folder}/tsconfig.json`
  const wanted = Object.keys(owner.manifest.dependencies ?? {}).filter(name => name.startsWith(SCOPE)).map(name => `../${name.slice(SCOPE.length)}`)

  return compareReferences(tree, file, wanted)
}

function checkRootReferences (tree: Tree, packages: Package[]): Finding[] {
  const scenarios = tree.has(`${SCENARIOS.folder}/tsconfig.json`) ? [SCENARIOS.folder] : []

  return compareReferences(tree, 'tsconfig.json', [...packages.map(owner => owner.folder), ...scenarios])
}

function compareReferences (tree: Tree, file: string, wanted: string[]): Finding[] {
  const text = tree.get(file)

  if (text === undefined) {
    return [{ file, message: 'is missing' }]
  }

  const references = ((JSON.parse(text).references ?? []) as Array<{ path: string }>).map(({ path }) => path)
  return [
    ...wanted.filter(path => !references.includes(path)).map(path => ({ file, message: `does not reference ${path}` })),
    ...references.filter(path => !wanted.includes(path)).map(path => ({ file, message: `references ${path}, on which it does not depend` }))
  ]
}
