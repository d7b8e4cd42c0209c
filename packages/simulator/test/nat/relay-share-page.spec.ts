import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { mixesTable } from '../../bench/relay-share/page.ts'

const PAGE = new URL('../../../../docs/relay-share.md', import.meta.url)

describe('docs/relay-share.md', () => {
  it('shows the mixes as they are in the code: `npm run bench -- relay-share` writes it', () => {
    const [, mixes] = /<!-- mixes: [^\n]*-->\n\n([^]*?)\n\n<!-- \/mixes -->/.exec(readFileSync(PAGE, 'utf8')) ?? []
    expect(mixes).to.equal(mixesTable())
  })

  it('shows every mix with 1, 3 and 5 providers', () => {
    const rows = readFileSync(PAGE, 'utf8').matchAll(/^\| `(\w+)` \| (\d+) \|/gm)
    expect([...rows].map(([, mix, providers]) => `${mix} ${providers}`)).to.deep.equal(
      ['half', 'home', 'mobile', 'office', 'phones'].flatMap(mix => ['1', '3', '5'].map(providers => `${mix} ${providers}`)))
  })
})
