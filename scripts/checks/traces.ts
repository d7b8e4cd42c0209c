/** Nothing in the repository depends on, or tells of, the machine it was written on: no paths of it, no package registry. */
import type { Check, Finding } from './check.ts'

/** Each with what to do instead. This file and its test are left out, as they have to name them. */
const TRACES: Array<[pattern: RegExp, message: string]> = [
  [/(?<![\w.$}\])/-])\/(tmp|root)(?=[/'"`])/, 'a path of one machine: use a relative one, or os.tmpdir()'],
  [/registry\.[a-z0-9-]+\.[a-z]+|\/\/[^\s/'"]*\b(verdaccio|artifactory)\b|"resolved": "https?:/i, 'a package registry: npm has a setting of its own']
]

const EXEMPT = new Set(['scripts/checks/traces.ts', 'scripts/checks/test/traces.spec.ts'])

export const traces: Check = {
  name: 'traces',
  run (tree) {
    const findings: Finding[] = []

    for (const [file, text] of tree) {
      if (EXEMPT.has(file)) {
        continue
      }
      for (const [at, line] of text.split('\n').entries()) {
        for (const [pattern, message] of TRACES) {
          const match = pattern.exec(line)

          if (match !== null) {
            findings.push({ file, line: at + 1, message: `"${match[0]}" is ${message}` })
          }
        }
      }
    }
    return findings
  }
}
