import { expect } from 'chai'
import { findExamples } from '../steps/readme-examples.ts'

const fence = '```'

const CASES: Array<[sentence: string, markdown: string, examples: string[]]> = [
  ['a ts block under Example', `# a\n## Example\n\nText\n\n${fence}ts\nfoo()\n${fence}\n`, ['foo()\n']],
  ['only the first block under a heading', `## Example\n${fence}ts\nfoo()\n${fence}\n${fence}ts\nbar()\n${fence}`, ['foo()\n']],
  ['one for each heading', `## Example\n${fence}ts\nfoo()\n${fence}\n### Example: two\n${fence}ts\nbar()\n${fence}`, ['foo()\n', 'bar()\n']],
  ['none in another language', `## Example\n${fence}sh\nls\n${fence}\n${fence}ts\nfoo()\n${fence}`, ['foo()\n']],
  ['none under another heading', `## Example\n## Limits\n${fence}ts\nfoo()\n${fence}`, []],
  ['no heading inside a block', `## Example\n${fence}sh\n# Limits\n${fence}\n${fence}ts\nfoo()\n${fence}`, ['foo()\n']]
]

describe('programs in READMEs', () => {
  for (const [sentence, markdown, examples] of CASES) {
    it(sentence, () => {
      expect(findExamples(markdown)).to.deep.equal(examples)
    })
  }
})
