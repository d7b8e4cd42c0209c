import { expect } from 'chai'
import fc from 'fast-check'
import { TextStream } from '../src/text-stream.ts'

function feed (stream: TextStream, parts: Array<string | number[]>): string[] {
  const shown = parts.map(part => stream.push(typeof part === 'string' ? new TextEncoder().encode(part) : Uint8Array.from(part)))
  return [...shown, stream.end()]
}

describe('TextStream', () => {
  const cases: Array<[name: string, stops: string[], parts: Array<string | number[]>, shown: string[], stopped: boolean]> = [
    ['plain text at once', [], ['ab', 'c'], ['ab', 'c', ''], false],
    ['a character when it is whole', [], [[0xe2, 0x82], [0xac, 0x61]], ['', '€a', ''], false],
    ['U+FFFD for half a character at the end', [], [[0x61, 0xe2, 0x82]], ['a', '\ufffd'], false],
    ['a byte order mark too', [], ['\ufeffa'], ['\ufeffa', ''], false],
    ['nothing from a stop string on', ['END'], ['a EN', 'D b', 'c'], ['a ', '', '', ''], true],
    ['what only began like a stop string', ['END'], ['a EN', 'TER'], ['a ', 'ENTER', ''], false],
    ['what began like a stop string when the text ends', ['END'], ['a EN'], ['a ', 'EN'], false],
    ['up to the earliest of several', ['\n\n', 'b'], ['a\n', 'b\n\n'], ['a', '\n', '', ''].slice(0, 3), true],
    ['all when the stop string is empty', [''], ['ab'], ['ab', ''], false],
    ['nothing when it stops at once', ['a'], ['ab'], ['', ''], true]
  ]
  for (const [name, stops, parts, shown, stopped] of cases) {
    it(`shows ${name}`, () => {
      const stream = new TextStream(stops)
      expect(feed(stream, parts)).to.deep.equal(shown)
      expect(stream.stopped).to.equal(stopped)
    })
  }

  it('shows the same text however it is cut', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('a', 'b', 'é', '🐋') }), fc.array(fc.nat(3)), fc.constantFrom('aba', 'bb', 'é🐋'), (text, cuts, stop) => {
      const bytes = new TextEncoder().encode(text)
      const parts: number[][] = []
      let from = 0
      for (const cut of [...cuts, bytes.length]) {
        parts.push(Array.from(bytes.subarray(from, from + cut)))
        from += cut
      }
      expect(feed(new TextStream([stop]), parts).join('')).to.equal(text.split(stop)[0])
    }))
  })
})
