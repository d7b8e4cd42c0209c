import { expect } from 'chai'
import { parse } from '../source.ts'

const IMPORTS: Array<[code: string, expected: string[]]> = [
  ["import a, { type B } from 'x'", ['x']],
  ["import { type C } from 'x'", ['x']],
  ["import type { D } from 'x'", ['type x']],
  ["import type from 'x'", ['x']],
  ["import type D from 'x'", ['type x']],
  ["import * as all from 'x'", ['x']],
  ["import {\n  a,\n  b as c\n} from 'x'", ['x']],
  ["import 'x'", ['x']],
  ["export * from 'x'", ['x']],
  ["export * as all from 'x'", ['x']],
  ["export type { A } from 'x'", ['type x']],
  ["export { a } from 'x'", ['x']],
  ["export { a }\nimport type { B } from 'x'", ['type x']],
  ["export interface Empty {}\nimport b from 'x'", ['x']],
  ["export default a\nimport b from 'x'", ['x']],
  ['export const from = 1', []],
  ["const a = await import('x')", ['x']],
  ["const a = require('x')", ['x']],
  ["type A = import('x').A", ['type x']],
  ["type A = typeof import('x')", ['type x']],
  ['const url = import.meta.url', []],
  ["a.import('x')", []],
  ["// import 'x'\n/* import 'y' */", []],
  ["const a = 'import b from \"x\"'", []],
  // oxlint-disable-next-line no-template-curly-in-string
  ["const a = `import 'x' ${b ? `${c} import 'y'` : {}} import 'z'`", []],
  ["const a = b / 2; import c from 'x'; const d = e / 3", ['x']],
  ["const a = /'/; import c from 'x'; const d = /'/", ['x']],
  ["if (a) { b() } /'/.test(c)\nimport d from 'x'", ['x']]
]

describe('checks: source', () => {
  for (const [code, expected] of IMPORTS) {
    it(`imports of ${JSON.stringify(code)}`, () => {
      expect(parse(code).imports.map(({ specifier, typeOnly }) => typeOnly ? `type ${specifier}` : specifier)).to.deep.equal(expected)
    })
  }

  it('tells words from strings and comments, with their lines', () => {
    const words = parse("a // Date\nb('Date')\n/* Date\n */ Date `Date ${\nc}`").tokens.filter(token => token.kind === 'word')

    expect(words.map(({ text, line }) => `${text}:${line}`)).to.deep.equal(['a:1', 'b:2', 'Date:4', 'c:5'])
  })
})
