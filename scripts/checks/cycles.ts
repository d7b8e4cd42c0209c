/** No source file imports itself over others, imports of types included. */
import type { Tree } from '../tree.ts'
import type { Check, Finding } from './check.ts'
import { findPackages, resolveImport } from './packages.ts'
import { parse } from './source.ts'

export const cycles: Check = {
  name: 'cycles',
  run (tree) {
    return findCycles(importGraph(tree)).map((cycle): Finding => ({
      file: cycle[0] as string,
      message: `import cycle: ${[...cycle, cycle[0]].join(' → ')}`
    }))
  }
}

function importGraph (tree: Tree): Map<string, string[]> {
  const packages = findPackages(tree)
  const graph = new Map<string, string[]>()

  for (const file of packages.flatMap(owner => owner.sources)) {
    const targets = parse(tree.get(file) as string).imports.flatMap(({ specifier }) => resolveImport(packages, file, specifier))
    graph.set(file, targets.filter(target => tree.has(target)))
  }
  return graph
}

/** One cycle for each way back that a depth-first walk meets: all are gone when none is found. */
function findCycles (graph: Map<string, string[]>): string[][] {
  const found: string[][] = []
  const done = new Set<string>()
  const path: string[] = []

  const visit = (file: string): void => {
    path.push(file)
    for (const target of graph.get(file) ?? []) {
      const at = path.indexOf(target)

      if (at !== -1) {
        found.push(path.slice(at))
      } else if (!done.has(target)) {
        visit(target)
      }
    }
    path.pop()
    done.add(file)
  }

  for (const file of graph.keys()) {
    if (!done.has(file)) {
      visit(file)
    }
  }
  return found
}
