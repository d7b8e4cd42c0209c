import { expect } from 'chai'
import { checks } from '../all.ts'
import { entry, house } from './house.ts'

const LOOKUP = 'packages/routing/src/lookup.ts'
const CLOCK = 'packages/core/src/clock.ts'
const CORE = 'packages/core/package.json'
const ROUTING = 'packages/routing/package.json'

function manifest (path: string, changes: object): Record<string, unknown> {
  return { [path]: { ...JSON.parse(house().get(path) as string), ...changes } }
}

/** A sentence, the check that has to find it, what it says, and the files that make it so. */
const SPOILED: Array<[sentence: string, check: string, message: RegExp, changes: Record<string, unknown>]> = [
  ['a ground package imports a middle one', 'layers', /^core may not import routing$/,
    { [CLOCK]: "/** */\nimport { lookup } from '@skein/routing'" }],
  ['a peer imports a seed', 'layers', /^peer may not import seed$/,
    { 'packages/peer/package.json': { name: '@skein/peer' }, 'packages/peer/src/a.ts': "import '@skein/seed'" }],
  ['a type is imported upwards', 'layers', /^core may not import routing$/, { [CLOCK]: "/** */\nexport type { A } from '@skein/routing'" }],
  ['an import goes round the exports', 'layers', /outside the sources of routing/, { [LOOKUP]: "/** */\nimport a from '../../core/src/clock.ts'" }],
  ['a package is new', 'layers', /has no place in the table/, { 'packages/news/package.json': { name: '@skein/news' } }],
  ['the pure entry reaches Node', 'layers', /^the main entry of routing reaches node:fs \(imported by packages\/routing\/src\/index.ts\)$/,
    { [LOOKUP]: "/** */\nimport fs from 'node:fs'" }],
  ['the pure entry reaches libp2p', 'layers', /main entry of routing reaches libp2p/, { [LOOKUP]: "/** */\nexport { createLibp2p } from 'libp2p'" }],
  ['the pure entry reaches a part of libp2p', 'layers', /main entry of routing reaches @libp2p\/tcp/,
    { [LOOKUP]: "/** */\nimport { tcp } from '@libp2p/tcp'" }],
  ['the pure entry imports its driver, if only for a type', 'layers', /reaches its driver packages\/routing\/src\/libp2p\/service.ts/,
    { [LOOKUP]: "/** */\nimport type { A } from './libp2p/service.ts'" }],
  ['the pure entry reaches Node by way of another package', 'layers', /routing reaches node:fs \(imported by packages\/core\/src\/index.ts, by /,
    { [CLOCK]: "/** */\nimport fs from 'node:fs'" }],

  ['two files import each other, one for a type', 'cycles', /lookup\.ts → .*answer\.ts → .*lookup\.ts$/,
    { [LOOKUP]: "/** */\nimport a from './answer.ts'", 'packages/routing/src/answer.ts': "/** */\nimport type { A } from './lookup.ts'" }],
  ['a file imports itself', 'cycles', /import cycle: (.*lookup\.ts) → \1$/, { [LOOKUP]: "/** */\nimport a from './lookup.ts'" }],
  ['a cycle runs over packages', 'cycles', /core\/src\/clock\.ts → .*routing\/src\/lookup\.ts/,
    { [CLOCK]: "/** */\nimport a from '@skein/routing'" }],

  ['an import is not declared', 'dependencies', /imports left-pad, which packages\/routing\/package.json does not name/,
    { 'packages/routing/src/pad.ts': "import pad from 'left-pad/index.js'" }],
  ['a source uses a development dependency', 'dependencies', /imports mocha, which/,
    { ...manifest(ROUTING, { devDependencies: { mocha: '1' } }), 'packages/routing/src/pad.ts': "import 'mocha'" }],
  ['a dependency is not used', 'dependencies', /^dependencies: left-pad is not imported$/, manifest(CORE, { dependencies: { 'left-pad': '1' } })],
  ['a development dependency is not used', 'dependencies', /^devDependencies: left-pad is not imported$/,
    manifest(CORE, { devDependencies: { 'left-pad': '1' } })],
  ['a test imports what nobody declared', 'dependencies', /imports sinon, which/, { 'packages/core/test/a.spec.ts': "import sinon from 'sinon'" }],
  ['a builtin lacks its prefix', 'dependencies', /write node:fs/, { [CLOCK]: "import fs from 'fs'" }],
  ['a package of the house is named by another version', 'dependencies', /@skein\/core is at 1\.0\.0, not \^0\.9\.0/,
    manifest(ROUTING, { dependencies: { '@skein/core': '^0.9.0', '@libp2p/interface': '1', libp2p: '1' } })],
  ['a reference is missing', 'dependencies', /does not reference \.\.\/core/, { 'packages/routing/tsconfig.json': {} }],
  ['a reference is too much', 'dependencies', /references \.\.\/routing, on which/,
    { 'packages/core/tsconfig.json': { references: [{ path: '../routing' }] } }],
  ['the root does not build a package', 'dependencies', /does not reference packages\/core/,
    { 'tsconfig.json': { references: [{ path: 'packages/routing' }] } }],
  ['a scenario imports what the command does not name', 'dependencies', /imports left-pad, which packages\/cli\/package.json does not name/, {
    'packages/cli/package.json': { name: '@skein/cli', version: '1.0.0' },
    'packages/cli/tsconfig.json': {},
    'simulations/churn.ts': "import pad from 'left-pad'"
  }],
  ['the root does not build the scenarios', 'dependencies', /does not reference simulations/, { 'simulations/tsconfig.json': {} }],

  ['the conditions are in another order', 'exports', /has the conditions types, import, skein-source, not/,
    manifest(CORE, { exports: { '.': { types: './dist/index.d.ts', import: './dist/index.js', 'skein-source': './src/index.ts' } } })],
  ['a condition is missing', 'exports', /has the conditions types, import, not/,
    manifest(CORE, { exports: { '.': { types: './dist/index.d.ts', import: './dist/index.js' } } })],
  ['an entry leads nowhere', 'exports', /\.\/src\/gone\.ts does not exist/, manifest(CORE, { exports: { '.': entry('gone') } })],
  ['types and source differ', 'exports', /types and import are not \.\/dist\/index\.d\.ts and/,
    manifest(CORE, { exports: { '.': { ...entry('index'), types: './dist/clock.d.ts' } } })],
  ['there are no exports', 'exports', /^no exports$/, manifest(CORE, { exports: undefined })],
  ['a #name leads nowhere', 'exports', /imports: \.\/src\/gone\.ts does not exist/,
    manifest(CORE, { imports: { '#platform': { browser: './src/gone.ts', default: './dist/clock.js' } } })],
  ['a command lacks its first line', 'exports', /bin\.skein: packages\/core\/src\/clock\.ts does not exist, or does not start with #!/,
    manifest(CORE, { bin: { skein: './dist/clock.js' } })],
  ['index.ts holds code', 'exports', /holds more than re-exports: const a = 1/,
    { 'packages/core/src/index.ts': "export { clock } from './clock.ts'\nconst a = 1" }],
  ['index.ts exports something of its own', 'exports', /holds more than re-exports: export const a/,
    { 'packages/core/src/index.ts': "export * from './clock.ts'\nexport const a = 1\nexport type { B } from './clock.ts'" }],
  ['a source imports an index.ts', 'exports', /imports \.\/index\.ts: import what is behind it/, { [CLOCK]: "import { a } from './index.ts'" }],

  ['the time is read', 'globals', /uses Date/, { [CLOCK]: 'const a = Date.now()' }],
  ['a scenario reads the time', 'globals', /uses Date/, { 'simulations/churn.ts': 'const a = Date.now()' }],
  ['a date is made', 'globals', /uses Date/, { [CLOCK]: 'const a = new Date()' }],
  ['time is read under another name', 'globals', /uses globalThis\.performance/, { [CLOCK]: 'const a = globalThis.performance.now()' }],
  ['a timer is set', 'globals', /uses setTimeout/, { [CLOCK]: 'setTimeout(() => {}, 1)' }],
  ['a timer is passed on', 'globals', /uses setInterval/, { [CLOCK]: 'start({ every: setInterval })' }],
  ['chance is taken from the system', 'globals', /uses Math\.random/, { [CLOCK]: 'const a = Math.random()' }],
  ['a signal has a timer inside', 'globals', /uses AbortSignal\.timeout/, { [CLOCK]: 'const a = AbortSignal.timeout(5)' }],
  ['a timer is imported', 'globals', /imports node:timers\/promises/, { [CLOCK]: "import { setTimeout as sleep } from 'node:timers/promises'" }],
  ['a socket is opened outside a driver', 'globals', /imports node:net/, { [CLOCK]: "import { connect } from 'node:net'" }],
  ['a driver of sockets reads the time', 'globals', /uses Date/, { 'packages/core/src/node/link.ts': "import 'node:dgram'\nconst a = Date.now()" }],

  ['a name says nothing', 'files', /"utils" does not say/, { 'packages/core/src/utils.ts': '/** */' }],
  ['a folder name says nothing', 'files', /"helpers" does not say/, { 'packages/core/test/helpers/a.ts': '/** */' }],
  ['a README is missing', 'files', /is missing/, { 'packages/core/README.md': ' ' }],
  ['a file does not say what it is', 'files', /does not open with a sentence/, { [CLOCK]: 'export const a = 1' }],
  ['a line is too long', 'files', /a line of 151 characters/, { [CLOCK]: `/** */\n${'a'.repeat(151)}` }]
]

describe('checks', () => {
  for (const check of checks) {
    it(`${check.name}: finds nothing in a house in order`, () => {
      expect(check.run(house())).to.deep.equal([])
    })
  }

  for (const [sentence, name, message, changes] of SPOILED) {
    it(`${name}: finds that ${sentence}`, () => {
      const findings = checks.find(check => check.name === name)!.run(house(changes))

      expect(findings.some(finding => message.test(finding.message)), JSON.stringify(findings)).to.equal(true)
    })
  }

  it('globals: leaves alone what only looks alike', () => {
    const innocent = '/** Date, setTimeout() */\nconst a = { Date: 1, x: "Date.now()" }\n' +
      'clock.setTimeout(); a?.Date; Math.floor(1); AbortSignal.any([])'

    expect(checks.find(check => check.name === 'globals')!.run(house({ [CLOCK]: innocent }))).to.deep.equal([])
  })

  it('globals: a folder node/ may open sockets, and types of sockets are free', () => {
    const changes = { 'packages/core/src/node/link.ts': "import 'node:dgram'", [CLOCK]: "import type { Socket } from 'node:net'" }

    expect(checks.find(check => check.name === 'globals')!.run(house(changes))).to.deep.equal([])
  })

  it('layers and cycles: follow a #name to the sources behind it', () => {
    const changes = {
      ...manifest(ROUTING, { imports: { '#platform': { browser: './src/browser.ts', default: './src/platform.ts' } } }),
      [LOOKUP]: "import '#platform'",
      'packages/routing/src/browser.ts': '',
      'packages/routing/src/platform.ts': "import 'node:fs'\nimport './lookup.ts'"
    }
    const found = checks.filter(check => check.name === 'layers' || check.name === 'cycles').map(check => check.run(house(changes)).length)

    expect(found).to.deep.equal([1, 1])
  })
})
