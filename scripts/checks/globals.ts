/** Time, randomness, timers and sockets come in from outside: only the files named here touch them. */
import type { Tree } from '../tree.ts'
import type { Check, Finding } from './check.ts'
import { findPackages } from './packages.ts'
import { parse } from './source.ts'
import type { Token } from './source.ts'

type Need = 'time' | 'sockets'

/** The drivers, each with its reason. A file that is not here takes a `Clock`, a `Random`, or what it needs of the network. */
const DRIVERS: Array<[file: RegExp, needs: Need[], reason: string]> = [
  [/^packages\/core\/src\/system\.ts$/, ['time'], 'the system clock and the system random: all others get theirs from here'],
  [/^packages\/[^/]+\/src\/node\//, ['sockets'], 'the folder of what only runs under Node']
]

const GLOBALS = new Set(['Date', 'performance', 'setTimeout', 'setInterval', 'setImmediate'])
const MEMBERS = new Set(['Math.random', 'AbortSignal.timeout', 'process.hrtime', 'process.uptime'])
const TIME_MODULES = new Set(['node:timers', 'node:timers/promises', 'node:perf_hooks'])
const SOCKET_MODULES = new Set(['node:net', 'node:dgram', 'node:http', 'node:https', 'node:http2', 'node:tls', 'ws'])

export const globals: Check = {
  name: 'globals',
  run (tree) {
    // a scenario that read a clock would come out differently each time
    const scenarios = [...tree.keys()].filter(file => /^simulations\/.+\.ts$/.test(file))

    return [...findPackages(tree).flatMap(owner => owner.sources), ...scenarios].flatMap(file => checkFile(tree, file))
  }
}

function checkFile (tree: Tree, file: string): Finding[] {
  const { tokens, imports } = parse(tree.get(file) as string)
  const allowed = new Set(DRIVERS.filter(([pattern]) => pattern.test(file)).flatMap(([, needs]) => needs))
  const findings: Finding[] = []

  if (!allowed.has('time')) {
    for (const [at, token] of tokens.entries()) {
      const name = bannedName(tokens, at)

      if (name !== undefined) {
        findings.push({ file, line: token.line, message: `uses ${name}: take a Clock or a Random of @skein/core instead` })
      }
    }
  }

  for (const { specifier, typeOnly, line } of imports) {
    if ((!allowed.has('time') && TIME_MODULES.has(specifier)) || (!allowed.has('sockets') && !typeOnly && SOCKET_MODULES.has(specifier))) {
      findings.push({ file, line, message: `imports ${specifier}: that is for the drivers named in scripts/checks/globals.ts` })
    }
  }
  return findings
}

function bannedName (tokens: Token[], at: number): string | undefined {
  const [token, dot, member] = tokens.slice(at, at + 3)
  const before = tokens[at - 1]?.text
  const owner = tokens[at - 2]?.text

  if (token?.kind !== 'word') {
    return undefined
  }
  if (before === '.' || before === '?.') {
    return GLOBALS.has(token.text) && /^(globalThis|window|self|global)$/.test(owner ?? '') ? `${owner}.${token.text}` : undefined
  }
  if (GLOBALS.has(token.text)) {
    // `{ Date: … }` names a property
    return dot?.text === ':' && (before === '{' || before === ',') ? undefined : token.text
  }

  const path = `${token.text}.${member?.text}`
  return (dot?.text === '.' || dot?.text === '?.') && MEMBERS.has(path) ? path : undefined
}
