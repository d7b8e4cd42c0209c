/** The packages as the checks see them: manifests, source files, and where an import leads. */
import { posix } from 'node:path'
import type { Tree } from '../tree.ts'

export interface Manifest {
  name: string
  version?: string
  type?: string
  license?: string
  exports?: Record<string, unknown>
  imports?: Record<string, unknown>
  bin?: Record<string, string>
  files?: string[]
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

export interface Package {
  /** Without the scope: `core` */
  name: string
  /** `packages/core` */
  folder: string
  manifest: Manifest
  /** The `.ts` files under `src/` */
  sources: string[]
}

export const SCOPE = '@skein/'

export function findPackages (tree: Tree): Package[] {
  const packages: Package[] = []

  for (const path of tree.keys()) {
    const folder = /^(packages\/[^/]+)\/package\.json$/.exec(path)?.[1]

    if (folder !== undefined) {
      packages.push({
        name: posix.basename(folder),
        folder,
        manifest: JSON.parse(tree.get(path) as string) as Manifest,
        sources: [...tree.keys()].filter(file => file.startsWith(`${folder}/src/`) && file.endsWith('.ts'))
      })
    }
  }
  return packages
}

/** `@skein/core/system` → `{ name: '@skein/core', entry: './system' }` */
export function splitSpecifier (specifier: string): { name: string, entry: string } {
  const parts = specifier.split('/')
  const length = specifier.startsWith('@') ? 2 : 1

  return { name: parts.slice(0, length).join('/'), entry: ['.', ...parts.slice(length)].join('/') }
}

/** The source file behind an entry of a package's `exports`. */
export function entrySource (owner: Package, entry: string): string | undefined {
  const target = (owner.manifest.exports?.[entry] as Record<string, unknown> | undefined)?.['skein-source']

  return typeof target === 'string' ? posix.join(owner.folder, target) : undefined
}

/** The files of the repository that an import may lead to: none for what comes from outside, more than one for a `#name` with conditions. */
export function resolveImport (packages: Package[], from: string, specifier: string): string[] {
  if (specifier.startsWith('.')) {
    return [posix.join(posix.dirname(from), specifier)]
  }
  if (specifier.startsWith('#')) {
    const owner = packages.find(({ folder }) => from.startsWith(`${folder}/`))

    return owner === undefined ? [] : leaves(owner.manifest.imports?.[specifier]).filter(isSource).map(path => posix.join(owner.folder, path))
  }

  const { name, entry } = splitSpecifier(specifier)
  const owner = packages.find(candidate => candidate.manifest.name === name)
  const source = owner === undefined ? undefined : entrySource(owner, entry)

  return source === undefined ? [] : [source]
}

/** All that a conditional target may come to. */
export function leaves (target: unknown): string[] {
  if (typeof target === 'string') {
    return [target]
  }
  return typeof target === 'object' && target !== null ? Object.values(target).flatMap(leaves) : []
}

function isSource (path: string): boolean {
  return path.startsWith('./src/')
}
