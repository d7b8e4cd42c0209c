/** Dependencies run downwards only, and what a middle package exports first is pure (`docs/architecture.md`). */
import { isBuiltin } from 'node:module'
import { posix } from 'node:path'
import type { Tree } from '../tree.ts'
import type { Check, Finding } from './check.ts'
import { entrySource, findPackages, resolveImport, SCOPE, splitSpecifier } from './packages.ts'
import type { Package } from './packages.ts'
import { parse } from './source.ts'

const GROUND = ['core', 'records']
const MIDDLE = ['routing', 'pex', 'clusters', 'reputation', 'supernode', 'reachability', 'inference', 'srt', 'srtla']
const COMPOSITION = ['peer', 'seed', 'fleet', 'simulator', 'smoke-model', 'webrtc', 'media-relay']
const LOWER = [...GROUND, ...MIDDLE]

/** Which packages the sources of a package may import. */
const MAY_IMPORT: Record<string, string[]> = {
  core: [],
  records: ['core'],
  ...Object.fromEntries(MIDDLE.map(name => [name, GROUND])),
  srtla: [...GROUND, 'srt'],
  peer: LOWER,
  // a seed is a node as any other: it takes its libp2p configuration from there; a super-node may be an ingest
  seed: [...LOWER, 'peer', 'media-relay'],
  fleet: [...LOWER, 'media-relay'], // a node of the fleet is a media relay that is told whom to let in
  simulator: LOWER,
  'smoke-model': ['core', 'inference'],
  webrtc: GROUND, // no part of a peer: users add it
  'media-relay': [...GROUND, 'srt', 'srtla'],
  gateway: [...LOWER, 'peer', 'seed', 'smoke-model'],
  testnet: [...LOWER, 'peer', 'seed', 'smoke-model'],
  cli: [...LOWER, ...COMPOSITION, 'gateway', 'testnet'],
  dashboard: []
}

/** Packages of libp2p that hold formats and interfaces, not a running node. */
const LIBP2P_FORMATS = ['@libp2p/peer-id', '@libp2p/crypto', '@libp2p/peer-record', '@libp2p/interface']

export const layers: Check = {
  name: 'layers',
  run (tree) {
    const packages = findPackages(tree)

    return packages.flatMap(owner => [
      ...checkImports(tree, owner),
      ...(LOWER.includes(owner.name) ? checkMainEntry(tree, packages, owner) : [])
    ])
  }
}

function checkImports (tree: Tree, owner: Package): Finding[] {
  const allowed = MAY_IMPORT[owner.name]

  if (allowed === undefined) {
    return [{ file: `${owner.folder}/package.json`, message: `${owner.name} has no place in the table of scripts/checks/layers.ts` }]
  }

  const findings: Finding[] = []
  for (const file of owner.sources) {
    for (const { specifier, line } of parse(tree.get(file) as string).imports) {
      if (specifier.startsWith('.')) {
        if (!posix.join(posix.dirname(file), specifier).startsWith(`${owner.folder}/src/`)) {
          findings.push({ file, line, message: `${specifier} is outside the sources of ${owner.name}` })
        }
      } else if (specifier.startsWith(SCOPE)) {
        const name = splitSpecifier(specifier).name.slice(SCOPE.length)

        if (!allowed.includes(name)) {
          findings.push({ file, line, message: `${owner.name} may not import ${name}` })
        }
      }
    }
  }
  return findings
}

/** Follows the imports of the main entry, also into other packages, for what a browser or the simulator could not run. */
function checkMainEntry (tree: Tree, packages: Package[], owner: Package): Finding[] {
  const findings: Finding[] = []
  const entry = entrySource(owner, '.')
  const cameFrom = new Map<string, string | undefined>(entry === undefined ? [] : [[entry, undefined]])

  for (const file of cameFrom.keys()) { // grows while it is walked
    for (const { specifier, typeOnly, line } of parse(tree.get(file) ?? '').imports) {
      const targets = resolveImport(packages, file, specifier)

      if (targets.length === 0 && !typeOnly && needsWorld(specifier)) {
        findings.push({ file, line, message: `the main entry of ${owner.name} reaches ${specifier}${trail(cameFrom, file)}` })
      }
      for (const target of targets) {
        if (/\/src\/(libp2p|node)\//.test(target)) {
          findings.push({ file, line, message: `the main entry of ${owner.name} reaches its driver ${target}${trail(cameFrom, file)}` })
        } else if (!typeOnly && !cameFrom.has(target)) {
          cameFrom.set(target, file)
        }
      }
    }
  }
  return findings
}

function needsWorld (specifier: string): boolean {
  const { name } = splitSpecifier(specifier)

  return isBuiltin(specifier) || name === 'libp2p' || name.startsWith('@chainsafe/libp2p-') ||
    (name.startsWith('@libp2p/') && !LIBP2P_FORMATS.includes(name))
}

function trail (cameFrom: Map<string, string | undefined>, file: string): string {
  const steps: string[] = []

  for (let at = cameFrom.get(file); at !== undefined; at = cameFrom.get(at)) {
    steps.push(at)
  }
  return steps.length === 0 ? '' : ` (imported by ${steps.join(', by ')})`
}
