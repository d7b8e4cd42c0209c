import { expect } from 'chai'
import { traces } from '../traces.ts'
import { tree } from './house.ts'

const FOUND = [
  "open('/tmp/a')", '"/tmp/main"', '`/root/x`',
  'https://registry.example.com/', '"resolved": "https://a.b/c.tgz"'
]
const FREE = [
  'packages/tmp/a', '../tmp/', '`${folder}/tmp/x`', 'https://example.org/tmp/',
  '/v1/models', 'networks', '"resolved": "packages/core"', '/tmpfiles/'
]

describe('checks: traces', () => {
  for (const text of FOUND) {
    it(`finds ${text}`, () => {
      expect(traces.run(tree({ 'docs/a.md': `first line\n${text}` }))).to.have.length(1).with.nested.property('[0].line', 2)
    })
  }

  for (const text of FREE) {
    it(`leaves alone ${text}`, () => {
      expect(traces.run(tree({ 'docs/a.md': text }))).to.deep.equal([])
    })
  }
})
